-- +goose Up

-- The processes that share this database. A process that lives changes its
-- beat a few times each second, so others see that it is gone without
-- comparing clocks.
CREATE TABLE replicas (
    name TEXT   NOT NULL PRIMARY KEY,
    beat BIGINT NOT NULL
);
