-- Calls, their events and the answered live functions. Times are milliseconds since 1970, UTC.
-- `state` is the whole merged state as JSON; the other columns of `calls` are read from it.
CREATE TABLE calls (
    company_id BIGINT NOT NULL,
    call_id VARCHAR(128) NOT NULL,
    branch_id BIGINT NOT NULL,
    status VARCHAR(32) NOT NULL,
    direction VARCHAR(32) NULL,
    call_type VARCHAR(64) NULL,
    from_number VARCHAR(128) NULL,
    to_number VARCHAR(128) NULL,
    agent_id VARCHAR(128) NULL,
    started_at BIGINT NULL,
    ended_at BIGINT NULL,
    duration_ms BIGINT NULL,
    disconnection_reason VARCHAR(128) NULL,
    outcome VARCHAR(32) NULL,
    retell_successful BIGINT NULL,
    state LONGBLOB NOT NULL,
    PRIMARY KEY (company_id, call_id),
    UNIQUE KEY calls_call (call_id),
    KEY calls_status (status, call_id),
    KEY calls_company_status (company_id, status, call_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row per distinct event; the version with the higher `event_rank` stays. `body` is zstd.
CREATE TABLE call_events (
    company_id BIGINT NOT NULL,
    call_id VARCHAR(128) NOT NULL,
    dedup_key VARCHAR(255) NOT NULL,
    event VARCHAR(128) NOT NULL,
    event_rank VARCHAR(64) NOT NULL,
    event_timestamp BIGINT NULL,
    body_hash VARCHAR(32) NOT NULL,
    body_bytes BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body LONGBLOB NOT NULL,
    PRIMARY KEY (company_id, call_id, dedup_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- `id` is made from the answer, so that a batch that is written again doubles nothing.
CREATE TABLE function_calls (
    company_id BIGINT NOT NULL,
    call_id VARCHAR(128) NOT NULL,
    id VARCHAR(32) NOT NULL,
    answered_at BIGINT NOT NULL,
    function_name VARCHAR(64) NOT NULL,
    success BIGINT NOT NULL,
    code VARCHAR(64) NOT NULL,
    took_ms BIGINT NOT NULL,
    PRIMARY KEY (company_id, call_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
