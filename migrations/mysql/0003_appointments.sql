-- Bookings from their submission on, the notices they cause and the callbacks that were promised.
-- `state` is the whole booking as JSON; the row with the higher `version` stays.
CREATE TABLE appointments (
    company_id BIGINT NOT NULL,
    id VARCHAR(64) NOT NULL,
    call_id VARCHAR(128) NOT NULL,
    service_id BIGINT NOT NULL,
    staff_id BIGINT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    status VARCHAR(32) NOT NULL,
    calcom_uid VARCHAR(255) NULL,
    version BIGINT NOT NULL,
    state LONGBLOB NOT NULL,
    PRIMARY KEY (company_id, id),
    KEY appointments_status (status, id),
    KEY appointments_standing (company_id, status, ends_at),
    KEY appointments_call (company_id, call_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE outbox (
    company_id BIGINT NOT NULL,
    idempotency_key VARCHAR(255) NOT NULL,
    kind VARCHAR(64) NOT NULL,
    call_id VARCHAR(128) NULL,
    payload LONGBLOB NOT NULL,
    created_at BIGINT NOT NULL,
    state VARCHAR(32) NOT NULL,
    PRIMARY KEY (company_id, idempotency_key),
    KEY outbox_call (company_id, call_id),
    KEY outbox_state (state, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE callbacks (
    company_id BIGINT NOT NULL,
    idempotency_key VARCHAR(255) NOT NULL,
    call_id VARCHAR(128) NULL,
    phone VARCHAR(128) NULL,
    name VARCHAR(255) NULL,
    priority VARCHAR(32) NOT NULL,
    reason VARCHAR(255) NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (company_id, idempotency_key),
    KEY callbacks_call (company_id, call_id),
    KEY callbacks_created (company_id, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
