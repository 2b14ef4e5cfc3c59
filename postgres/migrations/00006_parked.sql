-- The index by which parked webhooks are found, and the checks of the migration before it over the rows that were there.
--
-- Why so: apart from 00005, because both read the whole table and must not hold up the inbox meanwhile.
-- Lock: none that a reader or writer waits for.
-- How long: as long as reading webhooks twice takes; minutes for many millions of rows.
-- By hand: if it is interrupted, drop the invalid index webhooks_parked and run it again.

-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhooks_parked ON webhooks (source, concern) WHERE disposition = 'parked';
ALTER TABLE webhooks VALIDATE CONSTRAINT webhooks_disposition_check;
ALTER TABLE webhooks VALIDATE CONSTRAINT webhooks_parked_check;
