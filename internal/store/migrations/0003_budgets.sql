-- +goose Up

-- One row an account: the lock under which slots are counted and taken.
CREATE TABLE budgets (
    account       TEXT   NOT NULL PRIMARY KEY,
    last_slot     BIGINT NOT NULL,
    drained_until BIGINT NOT NULL
);

-- One row a vendor call that still counts. It counts while free_at lies ahead.
CREATE TABLE budget_slots (
    account TEXT   NOT NULL,
    id      BIGINT NOT NULL,
    free_at BIGINT NOT NULL,
    caller  TEXT   NOT NULL, -- '' for nobody in particular
    PRIMARY KEY (account, id)
);
CREATE INDEX budget_slots_by_time ON budget_slots (account, free_at);
