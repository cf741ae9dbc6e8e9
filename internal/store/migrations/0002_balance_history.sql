-- +goose Up

-- Balances over time. Decimals are text; the empty text is "the vendor did
-- not say".
CREATE TABLE balance_history (
    account  TEXT   NOT NULL,
    currency TEXT   NOT NULL,
    as_of    BIGINT NOT NULL,
    balance  TEXT   NOT NULL,
    blocked  TEXT   NOT NULL,
    credit   TEXT   NOT NULL,
    bonus    TEXT   NOT NULL,
    PRIMARY KEY (account, currency, as_of)
);
CREATE INDEX balance_history_by_time ON balance_history (as_of);
