-- +goose Up

-- The Idempotency-Keys of callers who settled an operation, each with that
-- operation. Those of writes stand with the operations.
CREATE TABLE settlement_keys (
    caller      TEXT  NOT NULL,
    idem_key    TEXT  NOT NULL,
    operation   TEXT  NOT NULL,
    fingerprint BYTEA NOT NULL, -- of what was asked for
    PRIMARY KEY (caller, idem_key)
);

-- Lists of several accounts' operations, newest first.
CREATE INDEX operations_by_time ON operations (created_at, id);
