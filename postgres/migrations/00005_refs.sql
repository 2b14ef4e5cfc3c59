-- What other providers need of the inbox: deliveries of orders that we do not know yet ("parked"), the other names of orders
-- by which they are found, and what was last said of a performance.
--
-- Why so: an order's names are written in the transaction that saves the order, and release what was parked under them in the
--   same transaction. A look-up that came too early is repeated with growing intervals (next_try).
-- Lock: webhooks, for the new column and the replaced check, each without reading the table; the check is validated by the
--   next migration. Writers wait for milliseconds, unless a long transaction on webhooks is open.
-- How long: milliseconds.
-- By hand: nothing. There is no way down: it would lose what is parked.

-- +goose Up
ALTER TABLE webhooks ADD COLUMN concern text NOT NULL DEFAULT ''; -- the name under which its order is looked for
ALTER TABLE webhooks DROP CONSTRAINT webhooks_disposition_check;
ALTER TABLE webhooks ADD CONSTRAINT webhooks_disposition_check
    CHECK (disposition IN ('forward', 'recorded', 'parked', 'unknown', 'quarantined')) NOT VALID;
ALTER TABLE webhooks ADD CONSTRAINT webhooks_parked_check CHECK (disposition <> 'parked' OR concern <> '') NOT VALID;

CREATE TABLE order_refs (
    source   text NOT NULL,
    ref      text NOT NULL CHECK (ref <> ''), -- "ticket:65f0…"
    order_id text NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    PRIMARY KEY (source, ref)
);
CREATE INDEX order_refs_order ON order_refs (order_id);

CREATE TABLE event_news (
    source   text        NOT NULL,
    event_id text        NOT NULL CHECK (event_id <> ''),
    at       timestamptz NOT NULL, -- version: what is older never overwrites
    news     jsonb       NOT NULL, -- an order.Event, without buyer data
    PRIMARY KEY (source, event_id)
);

CREATE TABLE customer_links (
    pos         text NOT NULL, -- the configured name of the POS
    provider    text NOT NULL,
    buyer_id    text NOT NULL CHECK (buyer_id <> ''), -- the provider's
    customer_id text NOT NULL CHECK (customer_id <> ''), -- the POS's
    news_at     timestamptz, -- version of the newest news of the buyer that the POS has
    PRIMARY KEY (pos, provider, buyer_id)
);
