-- The log of what is done to the outside: one row per intent, written before the call and completed after it, and never
-- deleted, so that nothing is done twice by retries, resets, second runs or two workers at once.
--
-- Why so: the primary key is the business key; whoever holds the live lease may call, everybody else waits or reads.
-- Lock: none that anybody waits for; the table is new.
-- How long: milliseconds.
-- By hand: nothing. There is no way down: it would allow every invoice to be made again.

-- +goose Up
CREATE TABLE operations (
    key         text        PRIMARY KEY CHECK (key <> ''),
    begun_at    timestamptz NOT NULL, -- of the newest attempt
    finished_at timestamptz,          -- of the newest attempt; null: under way, or lost with its worker
    lease_until timestamptz,
    attempts    integer     NOT NULL CHECK (attempts >= 0),
    order_id    text        NOT NULL,
    verb        text        NOT NULL CHECK (verb <> ''),
    adapter     text        NOT NULL,
    ref         text        NOT NULL, -- the reference under which the outside can be asked
    outcome     text        NOT NULL CHECK (outcome IN ('', 'done', 'failed', 'outcome_unknown')),
    class       text        NOT NULL,
    detail      text        NOT NULL,
    lease       text        NOT NULL,
    result      jsonb,
    CONSTRAINT operations_finished_check CHECK ((outcome <> '') = (finished_at IS NOT NULL)),
    CONSTRAINT operations_lease_check CHECK ((lease_until IS NOT NULL) = (outcome = ''))
);
CREATE INDEX operations_order ON operations (order_id);
