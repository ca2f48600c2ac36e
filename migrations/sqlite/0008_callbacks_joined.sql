-- A callback that a caller asked for: when, in a time and in words, and whether it is still to be made. Further
-- wishes for the same number join it: the row with the higher `version` stays.
ALTER TABLE callbacks ADD COLUMN due_at INTEGER NULL;
ALTER TABLE callbacks ADD COLUMN due_text TEXT NULL;
ALTER TABLE callbacks ADD COLUMN status TEXT NOT NULL DEFAULT 'open';
ALTER TABLE callbacks ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
CREATE INDEX callbacks_status ON callbacks (status, created_at, idempotency_key);
