-- Tickets, proofs and airbills, once per content, linked to their orders; and how far each sweep has read.
--
-- Why so: a fulfilment webhook carries the same PDF again with every repeat. PDFs and pictures are compressed already,
--   so Postgres does not try again (EXTERNAL). The link has no foreign key to orders: a document may be stored before its
--   order is first saved.
-- Lock: none that anybody waits for; the tables are new.
-- How long: milliseconds.
-- By hand: nothing. There is no way down: it would delete tickets.

-- +goose Up
CREATE TABLE documents (
    sha256     bytea       PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    media_type text        NOT NULL,
    body       bytea       NOT NULL, -- may hold buyer data
    CONSTRAINT documents_content_check CHECK (sha256 = sha256(body))
);
ALTER TABLE documents ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE order_documents (
    order_id  text        NOT NULL CHECK (order_id <> ''),
    sha256    bytea       NOT NULL REFERENCES documents (sha256) ON DELETE CASCADE,
    name      text        NOT NULL,
    linked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (order_id, sha256, name)
);
CREATE INDEX order_documents_document ON order_documents (sha256);

CREATE TABLE cursors (
    name       text        PRIMARY KEY CHECK (name <> ''),
    at         timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
