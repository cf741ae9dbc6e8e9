-- +goose Up

-- Accounts whose vendor refused the credentials or the access, until a call
-- succeeds or the credentials are others.
CREATE TABLE lockouts (
    account     TEXT   NOT NULL PRIMARY KEY,
    credentials BYTEA  NOT NULL, -- a fingerprint of those that were refused
    refusal     BYTEA  NOT NULL, -- JSON
    try_at      BIGINT NOT NULL, -- when the vendor may be asked again
    force_at    BIGINT NOT NULL  -- when it may be asked again by who forces a try
);
