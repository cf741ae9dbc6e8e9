-- +goose Up

-- Up to when the history has only the last point of each step.
CREATE TABLE history_thinned (
    step BIGINT NOT NULL PRIMARY KEY, -- microseconds
    till BIGINT NOT NULL              -- the end of a step
);
