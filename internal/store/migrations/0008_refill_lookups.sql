-- +goose Up

-- The vendor's numbers of the invoices that were unpaid before a refill was
-- asked for, as a JSON list: none of them is its own. There is no row if the
-- list could not be read.
CREATE TABLE unpaid_before (
    operation_id TEXT  NOT NULL PRIMARY KEY,
    invoices     BYTEA NOT NULL
);

-- The invoices that an operation with an unknown outcome may have made, as a
-- JSON list; empty for none.
ALTER TABLE operations ADD COLUMN candidates BYTEA NOT NULL DEFAULT '';
