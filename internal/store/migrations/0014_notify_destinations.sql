-- +goose Up

-- Where alerts are told, and up to which event each of them has been told.
CREATE TABLE notify_destinations (
    key     TEXT   NOT NULL PRIMARY KEY, -- a fingerprint of the destination's URL, which is a secret
    service TEXT   NOT NULL,             -- slack, smtp, …
    seq     BIGINT NOT NULL,             -- of the last event that it was told
    told_at BIGINT NOT NULL,             -- when it was last told all open alerts; 0: never
    seen_at BIGINT NOT NULL              -- when a replica was last configured with it
);
