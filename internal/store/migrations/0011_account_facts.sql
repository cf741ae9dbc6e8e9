-- +goose Up

-- What is known of each account beside its readings: the last under each name.
-- Numbers are those of readings_seq. It was kept among the readings before.
CREATE TABLE account_facts (
    account TEXT   NOT NULL,
    name    TEXT   NOT NULL,
    as_of   BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    body    BYTEA  NOT NULL,
    PRIMARY KEY (account, name)
);
CREATE UNIQUE INDEX account_facts_by_seq ON account_facts (seq);

INSERT INTO account_facts (account, name, as_of, seq, body)
SELECT account, operation, as_of, seq, body FROM readings WHERE operation IN ('state', 'runway', 'written');
DELETE FROM readings WHERE operation IN ('state', 'runway');
