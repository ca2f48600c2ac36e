//! Bookings, as their rows' `state` says.

use askpro_actors::ports::stores::{BookingStore, StoreError};
use askpro_domain::{
    booking::Booking,
    ids::{AppointmentId, CompanyId},
    time::UnixMillis,
};

use super::{Database, decode, page, text};

/// Of all companies: only for restart.
const SELECT_OPEN: &str = "SELECT id, state FROM appointments \
     WHERE status IN ('submitted', 'pending_confirmation', 'unknown') AND id > ? ORDER BY id LIMIT ?";
const SELECT_STANDING: &str = "SELECT id, state FROM appointments \
     WHERE company_id = ? AND status = 'confirmed' AND ends_at > ? ORDER BY ends_at, id";
const SELECT_ONE: &str = "SELECT id, state FROM appointments WHERE company_id = ? AND id = ?";
const ID_CHARS_MAX: usize = 64;

#[async_trait::async_trait]
impl BookingStore for Database {
    async fn list_open(&self, after: Option<&AppointmentId>, limit: u32) -> Result<Vec<Booking>, StoreError> {
        let after = after.map_or("", AppointmentId::as_str);
        bookings(self.fetch(SELECT_OPEN, &[after.into(), page(limit)]).await?)
    }

    /// Not paged: a company's booked future is bounded by its calendar.
    async fn list_standing(&self, company: CompanyId, from: UnixMillis) -> Result<Vec<Booking>, StoreError> {
        bookings(self.fetch(SELECT_STANDING, &[company.0.into(), from.0.into()]).await?)
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
}

fn bookings(rows: Vec<(String, Vec<u8>)>) -> Result<Vec<Booking>, StoreError> {
    rows.iter().map(|(id, state)| decode("appointment", id, state)).collect()
}
