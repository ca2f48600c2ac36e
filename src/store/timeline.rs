//! What happened in a call, put together from the tables that know a part of it.

use askpro_actors::ports::{
    stores::{StoreError, TimelineEntry},
    unreadable::{Table, unless_unreadable},
};
use askpro_domain::{
    booking::Booking,
    call::EventSource,
    ids::{AppointmentId, CallId, CompanyId},
    time::UnixMillis,
};

use super::{Database, decode};

/// Each part is at most this long.
const EVENTS: &str = "SELECT received_at, event, dedup_key, source FROM call_events \
     WHERE company_id = ? AND call_id = ? ORDER BY received_at, dedup_key LIMIT 1000";
const FUNCTIONS: &str = "SELECT answered_at, function_name, code FROM function_calls \
     WHERE company_id = ? AND call_id = ? ORDER BY answered_at, id LIMIT 1000";
const BOOKINGS: &str = "SELECT id, state FROM appointments \
     WHERE company_id = ? AND call_id = ? ORDER BY id LIMIT 1000";
const OUTBOX: &str = "SELECT created_at, kind, idempotency_key FROM outbox \
     WHERE company_id = ? AND call_id = ? ORDER BY created_at, idempotency_key LIMIT 1000";
const CALLBACKS: &str = "SELECT created_at, priority, reason FROM callbacks \
     WHERE company_id = ? AND call_id = ? ORDER BY created_at, idempotency_key LIMIT 1000";

impl Database {
    /// Oldest first; at the same instant events, functions, bookings, notices, callbacks.
    pub(super) async fn read_timeline(
        &self,
        company: CompanyId,
        call_id: &CallId,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut entries = self.event_lines(company, call_id).await?;
        entries.extend(self.lines("function", FUNCTIONS, company, call_id).await?);
        entries.extend(self.booking_lines(company, call_id).await?);
        let outbox = self.lines("outbox", OUTBOX, company, call_id).await?;
        entries.extend(outbox.into_iter().map(name_appointment));
        entries.extend(self.lines("callback", CALLBACKS, company, call_id).await?);
        entries.sort_by_key(|entry| entry.at);
        Ok(entries)
    }

    async fn event_lines(
        &self,
        company: CompanyId,
        call_id: &CallId,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let rows: Vec<(i64, String, String, String)> =
            self.fetch(EVENTS, &[company.0.into(), call_id.as_str().into()]).await?;
        let entry = |(at, name, detail, source): (i64, String, String, String)| TimelineEntry {
            at: UnixMillis(at),
            kind: "event",
            name,
            detail,
            appointment_id: None,
            source: EventSource::parse(&source),
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    async fn lines(
        &self,
        kind: &'static str,
        sql: &'static str,
        company: CompanyId,
        call_id: &CallId,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let rows: Vec<(i64, String, String)> =
            self.fetch(sql, &[company.0.into(), call_id.as_str().into()]).await?;
        let entry = |(at, name, detail)| TimelineEntry {
            at: UnixMillis(at),
            kind,
            name,
            detail,
            appointment_id: None,
            source: None,
        };
        Ok(rows.into_iter().map(entry).collect())
    }

    async fn booking_lines(
        &self,
        company: CompanyId,
        call_id: &CallId,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let rows: Vec<(String, Vec<u8>)> =
            self.fetch(BOOKINGS, &[company.0.into(), call_id.as_str().into()]).await?;
        let mut entries = Vec::new();
        let bookings = rows.iter().map(|(id, state)| decode::<Booking>("appointment", id, state));
        for booking in bookings.filter_map(|booking| unless_unreadable(Table::Appointments, booking)) {
            let appointment = booking.order.appointment;
            entries.extend(booking.history.into_iter().map(|step| TimelineEntry {
                at: step.at,
                kind: "booking",
                name: step.status.as_str().to_owned(),
                detail: step.reason,
                appointment_id: Some(appointment.clone()),
                source: None,
            }));
        }
        Ok(entries)
    }
}

/// Notices about an appointment end their key in its id, `booking_confirmed:apt_…`.
fn name_appointment(mut entry: TimelineEntry) -> TimelineEntry {
    let last = entry.detail.rsplit(':').next().unwrap_or_default();
    if last.starts_with("apt_") {
        entry.appointment_id = Some(AppointmentId(last.to_owned()));
    }
    entry
}
