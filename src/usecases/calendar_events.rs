//! What companies' calendars announced, as admins see it.

use askpro_actors::ports::stores::StoredCalendarEvent;
use serde::Serialize;

use super::{AdminError, Page, PageRequest, Services};

/// An announcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalendarEventLine {
    /// Its id.
    pub id: String,
    /// Cal.com's name of it.
    pub event: String,
    /// Uid of the booking that it is about.
    pub booking_uid: Option<String>,
    /// When it happened, by Cal.com's clock, RFC 3339.
    pub event_at: Option<String>,
    /// When it arrived, RFC 3339.
    pub received_at: String,
}

/// The announcements of a company's calendar, newest first.
///
/// # Errors
/// [`AdminError::NotFound`] for a company that nobody knows; when the database does not answer.
pub async fn list(
    services: &Services,
    slug: &str,
    page: &PageRequest,
) -> Result<Page<CalendarEventLine>, AdminError> {
    let directory = services.directory.current();
    let company = directory.by_slug(slug).ok_or(AdminError::NotFound { what: "company" })?.id;
    let limit = u32::try_from(page.limit()).unwrap_or(u32::MAX);
    let events = services.bookings.list_calendar_events(company, page.cursor(), limit).await?;
    let items = events.into_iter().map(line).collect();
    Ok(Page::of_source(items, page.limit(), |line: &CalendarEventLine| line.id.clone()))
}

fn line(event: StoredCalendarEvent) -> CalendarEventLine {
    CalendarEventLine {
        id: event.id,
        event: event.event,
        booking_uid: event.booking_uid,
        event_at: event.event_at.map(askpro_domain::time::UnixMillis::to_rfc3339),
        received_at: event.received_at.to_rfc3339(),
    }
}
