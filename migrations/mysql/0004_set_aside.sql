-- What belongs to the platform, or could not be placed or processed. No tenant tables: `signer_company_id`
-- only says whose own key signed.
CREATE TABLE platform_events (
    dedup_key VARCHAR(255) NOT NULL,
    event VARCHAR(128) NOT NULL,
    received_at BIGINT NOT NULL,
    body LONGBLOB NOT NULL,
    PRIMARY KEY (dedup_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE quarantine (
    id VARCHAR(512) NOT NULL,
    call_id VARCHAR(128) NOT NULL,
    event VARCHAR(128) NOT NULL,
    dedup_key VARCHAR(255) NOT NULL,
    event_rank VARCHAR(64) NOT NULL,
    reason VARCHAR(64) NOT NULL,
    signer_company_id BIGINT NULL,
    received_at BIGINT NOT NULL,
    body LONGBLOB NOT NULL,
    PRIMARY KEY (id),
    KEY quarantine_call (call_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE dead_letters (
    id VARCHAR(255) NOT NULL,
    actor VARCHAR(64) NOT NULL,
    actor_id VARCHAR(255) NOT NULL,
    message VARCHAR(64) NOT NULL,
    error_text VARCHAR(2000) NOT NULL,
    signer_company_id BIGINT NULL,
    created_at BIGINT NOT NULL,
    body LONGBLOB NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
