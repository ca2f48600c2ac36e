-- What belongs to the platform, or could not be placed or processed. No tenant tables: `signer_company_id`
-- only says whose own key signed.
CREATE TABLE platform_events (
    dedup_key TEXT NOT NULL PRIMARY KEY,
    event TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE quarantine (
    id TEXT NOT NULL PRIMARY KEY,
    call_id TEXT NOT NULL,
    event TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    event_rank TEXT NOT NULL,
    reason TEXT NOT NULL,
    signer_company_id INTEGER NULL,
    received_at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX quarantine_call ON quarantine (call_id);

CREATE TABLE dead_letters (
    id TEXT NOT NULL PRIMARY KEY,
    actor TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    message TEXT NOT NULL,
    error_text TEXT NOT NULL,
    signer_company_id INTEGER NULL,
    created_at INTEGER NOT NULL,
    body BLOB NULL
) STRICT;
