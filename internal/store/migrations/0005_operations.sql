-- +goose Up

-- All writes and their outcomes. Rows are never deleted,
-- and what the caller asked is never changed: this is the journal.
CREATE TABLE operations (
    id          TEXT   NOT NULL PRIMARY KEY,
    account     TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    caller      TEXT   NOT NULL,
    idem_key    TEXT   NOT NULL,
    fingerprint BYTEA  NOT NULL, -- of the whole payload, keyed: see account
    request     BYTEA  NOT NULL, -- the payload without its secrets
    amount      TEXT   NOT NULL, -- of a refill, as a decimal; '' for others
    currency    TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    holder      TEXT   NOT NULL, -- the process that makes the vendor call
    give_up_at  BIGINT NOT NULL, -- when the holder has surely given up
    state       TEXT   NOT NULL, -- started, succeeded, failed, unknown
    settled_at  BIGINT,
    reference   TEXT   NOT NULL, -- the vendor's, such as an invoice number
    result      BYTEA  NOT NULL, -- what the vendor answered, without secrets
    problem     BYTEA  NOT NULL, -- why it failed or is unknown
    settled_by  TEXT   NOT NULL, -- who settled an unknown one; '' for the vendor's own answer
    reason      TEXT   NOT NULL  -- why, in their words
);
CREATE UNIQUE INDEX operations_by_key ON operations (caller, idem_key);
CREATE INDEX operations_by_account ON operations (account, created_at, id);
CREATE INDEX operations_by_state ON operations (state, account);

-- One row an account: the lock under which its spending is added up.
CREATE TABLE spending_locks (
    account TEXT   NOT NULL PRIMARY KEY,
    turns   BIGINT NOT NULL
);
