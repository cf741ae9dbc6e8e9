-- +goose Up

-- Callers' tokens. The secrets are not here: only their SHA-256, which nobody
-- can turn back, since they are 256 random bits. Rows are never deleted.
CREATE TABLE tokens (
    id           TEXT   NOT NULL PRIMARY KEY,
    name         TEXT   NOT NULL,
    hash         BYTEA  NOT NULL,
    old_hash     BYTEA  NOT NULL, -- of the secret before; empty for none
    old_until    BIGINT,          -- until when that one is still taken
    scopes       TEXT   NOT NULL, -- with commas between
    accounts     TEXT   NOT NULL, -- with commas between
    created_at   BIGINT NOT NULL,
    issued_at    BIGINT NOT NULL, -- when the present secret was made
    expires_at   BIGINT,          -- NULL: never
    revoked_at   BIGINT,
    last_used_at BIGINT
);
