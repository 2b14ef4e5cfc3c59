-- The inbox: one row for each webhook, poll result and re-read, committed before its sender gets an answer; and the
-- audit of what people did to it.
--
-- Why so: the insert is the hot path of the daemon, so the table has no index that a look-up could do without.
--   * id is a UUIDv7, made at the door: its index grows at the right edge, and listing by it is listing by arrival.
--   * The dedupe key is unique among rows that are no conflict. A second body under a known key is a conflict: kept
--     beside the first, once. So the common case writes one narrow index entry, and no look-up is needed to tell a new
--     delivery from a repeat, also when two daemons take both at the same moment.
--   * The other indexes are partial (nearly always empty), or of one entry per 128 pages.
-- Lock: none that anybody waits for; the tables are new.
-- How long: milliseconds.
-- By hand: nothing. There is no way down: it would delete webhooks that were acknowledged.

-- +goose Up
CREATE TABLE webhooks (
    id                uuid        PRIMARY KEY,
    seq               bigint      GENERATED ALWAYS AS IDENTITY, -- order of arrival, for rows that did not arrive at once
    received_at       timestamptz NOT NULL,
    queued_at         timestamptz NOT NULL DEFAULT now(),       -- since when it waits: arrival, or the newest replay
    forwarded_at      timestamptz,
    next_try          timestamptz,                              -- after a failure; null: at once
    claimed_until     timestamptz,
    attempt           integer     NOT NULL DEFAULT 1 CHECK (attempt > 0),
    conflict          boolean     NOT NULL DEFAULT false,       -- another body came first under this key
    source            text        NOT NULL CHECK (source <> ''),
    provider          text        NOT NULL,
    type              text        NOT NULL,
    disposition       text        NOT NULL CHECK (disposition IN ('forward', 'recorded', 'unknown', 'quarantined')),
    reason            text        NOT NULL,
    order_id          text        NOT NULL, -- workflow id, or ''
    provider_order_id text        NOT NULL,
    kind              text        NOT NULL CHECK (kind IN ('', 'sale', 'purchase')),
    dedupe_key        text        NOT NULL CHECK (dedupe_key <> '' AND octet_length(dedupe_key) <= 512),
    body_sha256       bytea       NOT NULL CHECK (octet_length(body_sha256) = 32),
    via               text        NOT NULL CHECK (via IN ('webhook', 'sweep', 'reread')),
    claimed_by        text,
    last_error        text        NOT NULL DEFAULT '',
    headers           jsonb       NOT NULL,
    body              bytea       NOT NULL, -- the only column here that may hold buyer data
    CONSTRAINT webhooks_claim_check CHECK ((claimed_by IS NULL) = (claimed_until IS NULL)),
    CONSTRAINT webhooks_forwarded_check CHECK (forwarded_at IS NULL OR (disposition = 'forward' AND claimed_by IS NULL))
);

-- pglz is the largest single cost of an insert. A server that was built without lz4 keeps pglz: slower, not wrong.
-- +goose StatementBegin
DO $$
BEGIN
    ALTER TABLE webhooks ALTER COLUMN body SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    RAISE NOTICE 'this server has no lz4: webhook bodies are compressed with pglz';
END
$$;
-- +goose StatementEnd

CREATE UNIQUE INDEX webhooks_dedupe ON webhooks (source, dedupe_key) WHERE NOT conflict;
CREATE UNIQUE INDEX webhooks_conflicts ON webhooks (source, dedupe_key, body_sha256) WHERE conflict;
CREATE INDEX webhooks_waiting ON webhooks (seq) WHERE forwarded_at IS NULL AND disposition = 'forward';
CREATE INDEX webhooks_order ON webhooks (order_id, seq) WHERE order_id <> '';
CREATE INDEX webhooks_set_aside ON webhooks (id) WHERE disposition IN ('unknown', 'quarantined');
CREATE INDEX webhooks_received ON webhooks USING brin (received_at) WITH (autosummarize = on);

-- Every forwarded row leaves a dead version behind, also in webhooks_waiting, which claims read from its old end: vacuum
-- after a number of rows, not after a fifth of a table that only grows.
ALTER TABLE webhooks SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

CREATE TABLE audit (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    by      text        NOT NULL CHECK (by <> ''),
    what    text        NOT NULL CHECK (what <> ''),
    subject text        NOT NULL,
    detail  text        NOT NULL DEFAULT ''
);
CREATE INDEX audit_subject ON audit (subject, at);
