-- +goose Up

-- What is known of the clock that all times here are told by: PostgreSQL's own,
-- or that of the machine on which the SQLite file lies. One row.
CREATE TABLE clock (
    last        BIGINT NOT NULL, -- what it said when a replica last looked
    times_set   BIGINT NOT NULL, -- how often it was set
    unsure_seq  BIGINT NOT NULL, -- readings saved up to this number were saved before it was set back
    ahead       BIGINT NOT NULL, -- by how much it was set forward within a day, which
    ahead_until BIGINT NOT NULL  -- counts until then
);
INSERT INTO clock (last, times_set, unsure_seq, ahead, ahead_until) VALUES (0, 0, 0, 0, 0);
