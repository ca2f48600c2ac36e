-- What calendars announced, one row per distinct event of a company. `id` sorts by time of receipt; `body` is zstd.
CREATE TABLE calendar_events (
    company_id INTEGER NOT NULL,
    dedup_key TEXT NOT NULL,
    id TEXT NOT NULL,
    event TEXT NOT NULL,
    booking_uid TEXT NULL,
    event_at INTEGER NULL,
    received_at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (company_id, dedup_key)
) STRICT;
CREATE INDEX calendar_events_id ON calendar_events (company_id, id);

-- Announcements name bookings by their uid.
CREATE INDEX appointments_uid ON appointments (company_id, calcom_uid);
