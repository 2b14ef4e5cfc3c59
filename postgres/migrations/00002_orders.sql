-- The read model: one row per order for the operators' API, its timeline and its steps. The workflow decides, and writes
-- here what it decided; a run that begins after another one ended loads the order from doc.
--
-- Why so: lists are newest first by created_at, which never changes, so that a page never skips or repeats an order that
--   moves meanwhile. Few orders need attention and few are open at a time, so those indexes are partial.
-- Lock: none that anybody waits for; the tables are new.
-- How long: milliseconds.
-- By hand: nothing. There is no way down.
-- The lists of states and outcomes are those of package order; a test compares them. A new word needs a migration first.

-- +goose Up
CREATE TABLE orders (
    id                text        PRIMARY KEY CHECK (id <> ''), -- workflow id
    created_at        timestamptz NOT NULL DEFAULT now(),
    decided_at        timestamptz NOT NULL, -- with revision: what is older never overwrites
    revision          bigint      NOT NULL,
    amount_minor      bigint      NOT NULL,
    state_since       timestamptz,
    attention_since   timestamptz,
    event_starts_at   timestamptz,
    deadline          timestamptz,
    first_received_at timestamptz,
    invoiced_at       timestamptz,
    closed_at         timestamptz,
    source            text        NOT NULL CHECK (source <> ''),
    provider          text        NOT NULL,
    provider_order_id text        NOT NULL,
    kind              text        NOT NULL CHECK (kind IN ('sale', 'purchase')),
    state             text        NOT NULL CHECK (state IN ('received', 'awaiting_payment', 'awaiting_approval',
        'awaiting_fraud_approval', 'invoicing', 'invoiced', 'awaiting_fulfilment', 'partially_fulfilled', 'fulfilled',
        'completed', 'rejected', 'cancelled')),
    attention_reason  text        NOT NULL,
    attention_detail  text        NOT NULL,
    attention_advice  text        NOT NULL,
    currency          text        NOT NULL CHECK (currency = '' OR currency ~ '^[A-Z]{3}$'),
    event_id          text        NOT NULL,
    event_name        text        NOT NULL,
    customer_id       text        NOT NULL, -- the POS's id, no name
    invoice_id        text        NOT NULL,
    purchase_order_id text        NOT NULL,
    awaits            text        NOT NULL,
    lines             jsonb       NOT NULL CHECK (jsonb_typeof(lines) = 'array'),
    doc               jsonb       NOT NULL CHECK (jsonb_typeof(doc) = 'object'),
    CONSTRAINT orders_attention_check CHECK (attention_reason <> '' OR (attention_detail = '' AND attention_since IS NULL))
);
CREATE INDEX orders_created ON orders (created_at DESC, id DESC);
CREATE INDEX orders_state ON orders (state, created_at DESC, id DESC);
CREATE INDEX orders_attention ON orders (created_at DESC, id DESC) WHERE attention_reason <> '';
CREATE INDEX orders_event ON orders (event_id, source) WHERE event_id <> '';

CREATE TABLE timeline (
    order_id   text        NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    at         timestamptz NOT NULL,
    what       text        NOT NULL,
    webhook_id text        NOT NULL,
    detail     text        NOT NULL,
    PRIMARY KEY (order_id, at, what, webhook_id)
);

CREATE TABLE steps (
    order_id text        NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    step_id  text        NOT NULL CHECK (step_id <> ''),
    at       timestamptz NOT NULL,
    verb     text        NOT NULL,
    outcome  text        NOT NULL CHECK (outcome IN ('running', 'done', 'failed', 'outcome_unknown')),
    class    text        NOT NULL,
    detail   text        NOT NULL,
    ref      text        NOT NULL,
    PRIMARY KEY (order_id, step_id)
);
