-- Which references have more than one live record in a point of sale, as the nightly look found them.
--
-- Why so: a finding is never deleted, so that one that comes back is told from one that is new. A reference is an order's
--   workflow id, without a foreign key: what a POS holds twice is worth knowing whether we still hold the order or not.
-- Lock: none that anybody waits for; the table is new.
-- How long: milliseconds.
-- By hand: nothing. There is no way down.

-- +goose Up
CREATE TABLE pos_duplicates (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_seen timestamptz NOT NULL, -- of the newest time that it was there
    last_seen  timestamptz NOT NULL,
    gone_at    timestamptz,          -- null: it is there as far as we know
    source     text        NOT NULL CHECK (source <> ''),
    reference  text        NOT NULL CHECK (reference <> ''),
    kind       text        NOT NULL CHECK (kind IN ('invoice', 'purchase_order')),
    live       integer     NOT NULL CHECK (live > 1),
    ids        text[]      NOT NULL, -- the POS's, of the live records; of very many the first
    CONSTRAINT pos_duplicates_key UNIQUE (source, reference, kind)
);
