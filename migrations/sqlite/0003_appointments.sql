-- Bookings from their submission on, the notices they cause and the callbacks that were promised.
-- `state` is the whole booking as JSON; the row with the higher `version` stays.
CREATE TABLE appointments (
    company_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    call_id TEXT NOT NULL,
    service_id INTEGER NOT NULL,
    staff_id INTEGER NULL,
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    calcom_uid TEXT NULL,
    version INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (company_id, id)
) STRICT;
CREATE INDEX appointments_status ON appointments (status, id);
CREATE INDEX appointments_standing ON appointments (company_id, status, ends_at);
CREATE INDEX appointments_call ON appointments (company_id, call_id);

CREATE TABLE outbox (
    company_id INTEGER NOT NULL,
    idempotency_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    call_id TEXT NULL,
    payload BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (company_id, idempotency_key)
) STRICT;
CREATE INDEX outbox_call ON outbox (company_id, call_id);
CREATE INDEX outbox_state ON outbox (state, created_at);

CREATE TABLE callbacks (
    company_id INTEGER NOT NULL,
    idempotency_key TEXT NOT NULL,
    call_id TEXT NULL,
    phone TEXT NULL,
    name TEXT NULL,
    priority TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (company_id, idempotency_key)
) STRICT;
CREATE INDEX callbacks_call ON callbacks (company_id, call_id);
CREATE INDEX callbacks_created ON callbacks (company_id, created_at);
