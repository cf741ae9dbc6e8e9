-- +goose Up

-- The open alerts: at most one of each code and account.
CREATE TABLE alerts (
    account TEXT   NOT NULL,
    code    TEXT   NOT NULL,
    body    BYTEA  NOT NULL, -- JSON
    PRIMARY KEY (account, code)
);

-- What happened to alerts, in that order: what notifications are made of.
CREATE TABLE alert_events (
    seq     BIGINT NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    kind    TEXT   NOT NULL, -- opened, changed (its severity), closed
    account TEXT   NOT NULL,
    code    TEXT   NOT NULL,
    body    BYTEA  NOT NULL  -- JSON: the alert, as it then was
);

-- The number of the last change of alerts, and of the last event. The one row
-- is locked until the writer commits, so that both become visible in order.
CREATE TABLE alerts_seq (
    version BIGINT NOT NULL,
    event   BIGINT NOT NULL
);
INSERT INTO alerts_seq (version, event) VALUES (0, 0);
