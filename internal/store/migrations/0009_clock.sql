-- +goose Up

-- What is known of the clock that all times here are told by: PostgreSQL's own,
-- or that of the machine on which the SQLite file lies. One row.
CREATE TABLE clock (
    times_set   BIGINT NOT NULL, -- how often it was set
    last        BIGINT NOT NULL, -- the last that a process heard, of those that can tell whether it was set forward
    highest     BIGINT NOT NULL, -- the most that any process heard since it was last set
    unsure_seq  BIGINT NOT NULL, -- readings saved up to this number were saved before it was set back
    ahead       BIGINT NOT NULL, -- by how much it was set forward within a day, which
    ahead_until BIGINT NOT NULL  -- counts until then
);
INSERT INTO clock (times_set, last, highest, unsure_seq, ahead, ahead_until) VALUES (0, 0, 0, 0, 0, 0);
