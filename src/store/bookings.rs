//! Bookings, as their rows' `state` says, and what calendars announced.

use askpro_actors::ports::{
    stores::{BookingStore, RowPage, StoreError, StoredCalendarEvent},
    unreadable::{Table, unless_unreadable},
};
use askpro_domain::{
    booking::Booking,
    ids::{AppointmentId, CompanyId},
    time::UnixMillis,
};

use super::{Database, decode, page, page_rows, text};

/// Of all companies: only for restart.
const SELECT_OPEN: &str = "SELECT id, state FROM appointments \
     WHERE status IN ('submitted', 'pending_confirmation', 'unknown') AND id > ? ORDER BY id LIMIT ?";
const SELECT_ONE: &str = "SELECT id, state FROM appointments WHERE company_id = ? AND id = ?";
const SELECT_BY_UID: &str = "SELECT id, state FROM appointments \
     WHERE company_id = ? AND calcom_uid = ? ORDER BY id LIMIT 1";
const SELECT_CALENDAR_EVENTS: &str = "SELECT id, event, booking_uid, event_at, received_at FROM calendar_events \
     WHERE company_id = ? AND id < ? ORDER BY id DESC LIMIT ?";
/// After every id of `calendar_events`.
const AFTER_ALL: &str = "cf";
const ID_CHARS_MAX: usize = 64;
const UID_CHARS_MAX: usize = 255;

#[async_trait::async_trait]
impl BookingStore for Database {
    async fn list_open(
        &self,
        after: Option<&AppointmentId>,
        limit: u32,
    ) -> Result<RowPage<Booking, AppointmentId>, StoreError> {
        let after = after.map_or("", AppointmentId::as_str);
        let rows: Vec<(String, Vec<u8>)> = self.fetch(SELECT_OPEN, &[after.into(), page(limit)]).await?;
        let place = |(id, _): &(String, Vec<u8>)| Some(AppointmentId(id.clone()));
        let open = |(id, state): (String, Vec<u8>)| {
            unless_unreadable(Table::Appointments, decode("appointment", &id, &state))
        };
        Ok(RowPage::of(rows, page_rows(limit), place, open))
    }

    async fn find(
        &self,
        company: CompanyId,
        appointment: &AppointmentId,
    ) -> Result<Option<Booking>, StoreError> {
        if !text::is_id(appointment.as_str(), ID_CHARS_MAX) {
            return Ok(None);
        }
        let rows = self.fetch(SELECT_ONE, &[company.0.into(), appointment.as_str().into()]).await?;
        Ok(bookings(rows)?.into_iter().next())
    }

    async fn find_by_uid(&self, company: CompanyId, uid: &str) -> Result<Option<Booking>, StoreError> {
        if !text::is_id(uid, UID_CHARS_MAX) {
            return Ok(None);
        }
        let rows = self.fetch(SELECT_BY_UID, &[company.0.into(), uid.into()]).await?;
        Ok(bookings(rows)?.into_iter().next())
    }

    async fn list_calendar_events(
        &self,
        company: CompanyId,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<StoredCalendarEvent>, StoreError> {
        let values = [company.0.into(), before.unwrap_or(AFTER_ALL).into(), page(limit)];
        let rows: Vec<CalendarEventRecord> = self.fetch(SELECT_CALENDAR_EVENTS, &values).await?;
        Ok(rows.into_iter().map(stored).collect())
    }
}

/// `id, event, booking_uid, event_at, received_at`
type CalendarEventRecord = (String, String, Option<String>, Option<i64>, i64);

fn stored((id, event, booking_uid, event_at, received_at): CalendarEventRecord) -> StoredCalendarEvent {
    StoredCalendarEvent {
        id,
        event,
        booking_uid,
        event_at: event_at.map(UnixMillis),
        received_at: UnixMillis(received_at),
    }
}

fn bookings(rows: Vec<(String, Vec<u8>)>) -> Result<Vec<Booking>, StoreError> {
    rows.iter().map(|(id, state)| decode("appointment", id, state)).collect()
}
