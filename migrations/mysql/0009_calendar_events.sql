-- What calendars announced, one row per distinct event of a company. `id` sorts by time of receipt; `body` is zstd.
CREATE TABLE calendar_events (
    company_id BIGINT NOT NULL,
    dedup_key VARCHAR(255) NOT NULL,
    id VARCHAR(64) NOT NULL,
    event VARCHAR(128) NOT NULL,
    booking_uid VARCHAR(255) NULL,
    event_at BIGINT NULL,
    received_at BIGINT NOT NULL,
    body LONGBLOB NOT NULL,
    PRIMARY KEY (company_id, dedup_key),
    KEY calendar_events_id (company_id, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Announcements name bookings by their uid.
CREATE INDEX appointments_uid ON appointments (company_id, calcom_uid);
