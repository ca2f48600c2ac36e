-- A callback that a caller asked for: when, in a time and in words, and whether it is still to be made. Further
-- wishes for the same number join it: the row with the higher `version` stays.
ALTER TABLE callbacks
    ADD COLUMN due_at BIGINT NULL,
    ADD COLUMN due_text VARCHAR(255) NULL,
    ADD COLUMN status VARCHAR(32) NOT NULL DEFAULT 'open',
    ADD COLUMN version BIGINT NOT NULL DEFAULT 1,
    ADD KEY callbacks_status (status, created_at, idempotency_key);
