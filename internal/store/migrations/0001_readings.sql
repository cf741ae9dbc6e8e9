-- +goose Up

-- No migration can run twice: the second record of it is refused, and with it
-- all that it did. This is what makes two processes on one SQLite file safe.
CREATE UNIQUE INDEX goose_db_version_once ON goose_db_version (version_id);

-- The last reading under each key. Times are microseconds since 1970 UTC.
CREATE TABLE readings (
    account   TEXT   NOT NULL,
    operation TEXT   NOT NULL,
    query     TEXT   NOT NULL,
    as_of     BIGINT NOT NULL,
    seq       BIGINT NOT NULL,
    body      BYTEA  NOT NULL,
    PRIMARY KEY (account, operation, query)
);
CREATE UNIQUE INDEX readings_by_seq ON readings (seq);

-- The last number given to a saved reading. Its one row is locked until the
-- writer commits, so that numbers become visible in their order.
CREATE TABLE readings_seq (
    last BIGINT NOT NULL
);
INSERT INTO readings_seq (last) VALUES (0);
