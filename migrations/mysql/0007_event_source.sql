-- Who told of an event: `webhook`, `reconcile` (we asked Retell for the call), `timeout` (the call was given up).
ALTER TABLE call_events ADD COLUMN source VARCHAR(32) NOT NULL DEFAULT 'webhook';
