//! The tables that batches write. Columns of the unique key come first, as `rows` fills them.

use super::super::dialect::{OnConflict, Table};

/// Index of each table in [`ALL`]; also the order in which a transaction writes them.
pub(super) const CALLS: usize = 0;
/// `call_events`.
pub(super) const CALL_EVENTS: usize = 1;
/// `appointments`.
pub(super) const APPOINTMENTS: usize = 2;
/// `outbox`.
pub(super) const OUTBOX: usize = 3;
/// `callbacks`.
pub(super) const CALLBACKS: usize = 4;
/// `function_calls`.
pub(super) const FUNCTION_CALLS: usize = 5;
/// `platform_events`.
pub(super) const PLATFORM_EVENTS: usize = 6;
/// `quarantine`.
pub(super) const QUARANTINE: usize = 7;
/// `dead_letters`.
pub(super) const DEAD_LETTERS: usize = 8;

/// `customers`.
pub(super) const CUSTOMERS: usize = 9;
/// `calendar_events`.
pub(super) const CALENDAR_EVENTS: usize = 10;

/// All of them.
pub(super) static ALL: [Table; 11] = [
    Table {
        name: "calls",
        columns: &[
            "company_id",
            "call_id",
            "branch_id",
            "status",
            "direction",
            "call_type",
            "from_number",
            "to_number",
            "agent_id",
            "started_at",
            "ended_at",
            "duration_ms",
            "disconnection_reason",
            "outcome",
            "retell_successful",
            "state",
        ],
        key_columns: 2,
        on_conflict: OnConflict::Replace,
    },
    Table {
        name: "call_events",
        columns: &[
            "company_id",
            "call_id",
            "dedup_key",
            "event",
            "event_rank",
            "event_timestamp",
            "body_hash",
            "body_bytes",
            "source",
            "received_at",
            "body",
        ],
        key_columns: 3,
        on_conflict: OnConflict::ReplaceWhenHigher("event_rank"),
    },
    Table {
        name: "appointments",
        columns: &[
            "company_id",
            "id",
            "call_id",
            "service_id",
            "staff_id",
            "starts_at",
            "ends_at",
            "status",
            "calcom_uid",
            "version",
            "state",
        ],
        key_columns: 2,
        on_conflict: OnConflict::ReplaceWhenHigher("version"),
    },
    Table {
        name: "outbox",
        columns: &["company_id", "idempotency_key", "kind", "call_id", "payload", "created_at", "state"],
        key_columns: 2,
        on_conflict: OnConflict::Keep,
    },
    Table {
        name: "callbacks",
        columns: &[
            "company_id",
            "idempotency_key",
            "call_id",
            "phone",
            "name",
            "priority",
            "reason",
            "due_at",
            "due_text",
            "created_at",
            "status",
            "version",
        ],
        key_columns: 2,
        on_conflict: OnConflict::ReplaceWhenHigher("version"),
    },
    Table {
        name: "function_calls",
        columns: &[
            "company_id",
            "call_id",
            "id",
            "answered_at",
            "function_name",
            "success",
            "code",
            "took_ms",
        ],
        key_columns: 3,
        on_conflict: OnConflict::Keep,
    },
    Table {
        name: "platform_events",
        columns: &["dedup_key", "event", "received_at", "body"],
        key_columns: 1,
        on_conflict: OnConflict::Keep,
    },
    Table {
        name: "quarantine",
        columns: &[
            "id",
            "call_id",
            "event",
            "dedup_key",
            "event_rank",
            "reason",
            "signer_company_id",
            "received_at",
            "body",
        ],
        key_columns: 1,
        on_conflict: OnConflict::ReplaceWhenHigher("event_rank"),
    },
    Table {
        name: "dead_letters",
        columns: &[
            "id",
            "actor",
            "actor_id",
            "message",
            "error_text",
            "signer_company_id",
            "created_at",
            "body",
        ],
        key_columns: 1,
        on_conflict: OnConflict::Keep,
    },
    Table {
        name: "customers",
        columns: &["company_id", "id", "name", "phone", "email"],
        key_columns: 2,
        on_conflict: OnConflict::Keep,
    },
    Table {
        name: "calendar_events",
        columns: &[
            "company_id",
            "dedup_key",
            "id",
            "event",
            "booking_uid",
            "event_at",
            "received_at",
            "body",
        ],
        key_columns: 2,
        on_conflict: OnConflict::Keep,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_indexes_name_their_tables() {
        let names = [
            (CALLS, "calls"),
            (CALL_EVENTS, "call_events"),
            (APPOINTMENTS, "appointments"),
            (OUTBOX, "outbox"),
            (CALLBACKS, "callbacks"),
            (FUNCTION_CALLS, "function_calls"),
            (PLATFORM_EVENTS, "platform_events"),
            (QUARANTINE, "quarantine"),
            (DEAD_LETTERS, "dead_letters"),
            (CUSTOMERS, "customers"),
            (CALENDAR_EVENTS, "calendar_events"),
        ];
        for (index, name) in names {
            assert_eq!(ALL[index].name, name);
        }
    }
}
