//! Calls as admins see them: live ones as their actors tell, ended ones as the store has them.

mod list;
mod view;

use askpro_actors::{
    calls::{CallMessage, CallView},
    ports::{
        stores::StoreError,
        unreadable::{Table, unless_unreadable},
    },
};
use askpro_domain::{
    booking::{Booking, BookingState},
    call::{AppointmentFact, CallState},
    ids::{AppointmentId, CallId, CompanyId},
    tenant::Company,
};

pub use list::{CallsWanted, list_calls};
pub use view::{AppointmentLine, CallDetail, CallLine, EventLine, LiveLine, RetellLine, TimelineLine};

use super::{AdminError, Page, Services, ask::ask_one};

/// Appointments of one call that are shown.
const APPOINTMENTS_MAX: usize = 100;

/// Everything that is known of a call; `None` when nobody knows it.
///
/// # Errors
/// When the database is needed and does not answer: a live call is shown without it.
pub async fn find_call(services: &Services, call_id: &CallId) -> Result<Option<CallDetail>, AdminError> {
    let live = ask_one(services.actors.calls.registry(), call_id.clone(), CallMessage::GetCall).await;
    let Some((state, store_answered)) = state_of(services, call_id, live.as_ref()).await? else {
        return Ok(None);
    };
    let mut detail = CallDetail::of(services, &state, live.as_ref());
    detail.store_answered = store_answered;
    if let Some(placed) = state.placed {
        let stored = fill(services, placed.company, &state, &mut detail).await;
        detail.store_answered &= stored.is_ok();
        if live.is_none() {
            stored?;
        }
    }
    Ok(Some(detail))
}

/// What the actor knows, joined with what the store knows where the actor has not asked it yet; and whether
/// the store answered if it was asked.
async fn state_of(
    services: &Services,
    call_id: &CallId,
    live: Option<&CallView>,
) -> Result<Option<(CallState, bool)>, StoreError> {
    match live {
        None => Ok(services.calls.find_call_state(call_id).await?.map(|state| (state, true))),
        Some(view) if view.loaded => Ok(Some((view.state.clone(), true))),
        Some(view) => Ok(Some(match services.calls.find_call_state(call_id).await {
            Ok(Some(stored)) => (view.state.clone().join_older(stored), true),
            Ok(None) => (view.state.clone(), true),
            Err(_) => (view.state.clone(), false),
        })),
    }
}

/// Adds what only the database has. What it had before it failed stays in.
async fn fill(
    services: &Services,
    company: CompanyId,
    state: &CallState,
    detail: &mut CallDetail,
) -> Result<(), StoreError> {
    let directory = services.directory.current();
    let settings = directory.company(company).map(AsRef::as_ref);
    for (id, fact) in state.appointments.iter().take(APPOINTMENTS_MAX) {
        detail.appointments.push(AppointmentLine::of(id, *fact));
    }
    for line in &mut detail.appointments {
        let id = AppointmentId(line.appointment_id.clone());
        let booking = match services.bookings.find(company, &id).await {
            // The line stays as the call knows it.
            Err(unreadable @ StoreError::Corrupt(_)) => {
                unless_unreadable(Table::Appointments, Err(unreadable))
            }
            found => found?,
        };
        if let Some(booking) = booking {
            line.complete(&booking, settings);
        }
    }
    let timeline = services.calls.timeline(company, &state.call_id).await?;
    let events = timeline.into_iter().filter(|entry| entry.kind == "event");
    detail.events = events.map(EventLine::from).collect();
    Ok(())
}

impl AppointmentLine {
    /// As the call knows it.
    fn of(id: &AppointmentId, fact: AppointmentFact) -> Self {
        Self {
            appointment_id: id.as_str().to_owned(),
            status: fact.status.as_str(),
            version: fact.version,
            calcom_uid: None,
            service: None,
            staff: None,
            starts_at: None,
            ends_at: None,
        }
    }

    /// Adds what the row of the booking has; of two statuses the newer one stays.
    fn complete(&mut self, booking: &Booking, company: Option<&Company>) {
        if booking.version >= self.version {
            self.version = booking.version;
            self.status = booking.status().as_str();
        }
        let order = &booking.order;
        let (uid, host) = match &booking.state {
            BookingState::Confirmed { uid, host } => (Some(uid), *host),
            BookingState::Cancelled { uid } => (Some(uid), None),
            _ => (None, None),
        };
        let by_host = |company: &Company| host.and_then(|user| company.staff_by_calcom_user(user).cloned());
        let by_name = |company: &Company| order.staff.and_then(|id| company.staff_member(id).cloned());
        self.calcom_uid = uid.cloned();
        self.service = company.and_then(|c| c.service(order.service)).map(|s| s.slug.clone());
        self.staff = company.and_then(|c| by_host(c).or_else(|| by_name(c))).map(|s| s.slug);
        self.starts_at = Some(booking.interval().start().to_rfc3339());
        self.ends_at = Some(booking.interval().end().to_rfc3339());
    }
}

/// What happened in a call, oldest first; `None` when nobody knows the call.
///
/// # Errors
/// When the database does not answer.
pub async fn timeline(
    services: &Services,
    call_id: &CallId,
) -> Result<Option<Page<TimelineLine>>, AdminError> {
    let live = ask_one(services.actors.calls.registry(), call_id.clone(), CallMessage::GetCall).await;
    let Some((state, _)) = state_of(services, call_id, live.as_ref()).await? else { return Ok(None) };
    let Some(placed) = state.placed else { return Ok(Some(Page::whole(Vec::new()))) };
    let entries = services.calls.timeline(placed.company, call_id).await?;
    Ok(Some(Page::whole(entries.into_iter().enumerate().map(TimelineLine::from).collect())))
}
