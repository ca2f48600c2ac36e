-- Calls, their events and the answered live functions. Times are milliseconds since 1970, UTC.
-- `state` is the whole merged state as JSON; the other columns of `calls` are read from it.
CREATE TABLE calls (
    company_id INTEGER NOT NULL,
    call_id TEXT NOT NULL UNIQUE,
    branch_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    direction TEXT NULL,
    call_type TEXT NULL,
    from_number TEXT NULL,
    to_number TEXT NULL,
    agent_id TEXT NULL,
    started_at INTEGER NULL,
    ended_at INTEGER NULL,
    duration_ms INTEGER NULL,
    disconnection_reason TEXT NULL,
    outcome TEXT NULL,
    retell_successful INTEGER NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (company_id, call_id)
) STRICT;
CREATE INDEX calls_status ON calls (status, call_id);
CREATE INDEX calls_company_status ON calls (company_id, status, call_id);

-- One row per distinct event; the version with the higher `event_rank` stays. `body` is zstd.
CREATE TABLE call_events (
    company_id INTEGER NOT NULL,
    call_id TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    event TEXT NOT NULL,
    event_rank TEXT NOT NULL,
    event_timestamp INTEGER NULL,
    body_hash TEXT NOT NULL,
    body_bytes INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (company_id, call_id, dedup_key)
) STRICT;

-- `id` is made from the answer, so that a batch that is written again doubles nothing.
CREATE TABLE function_calls (
    company_id INTEGER NOT NULL,
    call_id TEXT NOT NULL,
    id TEXT NOT NULL,
    answered_at INTEGER NOT NULL,
    function_name TEXT NOT NULL,
    success INTEGER NOT NULL,
    code TEXT NOT NULL,
    took_ms INTEGER NOT NULL,
    PRIMARY KEY (company_id, call_id, id)
) STRICT, WITHOUT ROWID;
