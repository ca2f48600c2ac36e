//! Earlier bookings of a call, as the store has them: an order may be a repeat of one of them.

use askpro_domain::{
    call::AppointmentFact,
    function::FunctionOrder,
    ids::{AppointmentId, CompanyId},
};

use super::{Earlier, SchedulingActor, SchedulingAsk, SchedulingMessage};
use crate::{
    ports::{
        stores::{BookingStore, StoreError},
        unreadable::{Table, tell_unreadable},
    },
    runtime::Context,
};

impl SchedulingActor {
    /// Bookings of this call that stand or stood and are not in memory, from before a restart; or that are open, and
    /// whose rows could not be read at it.
    pub(super) fn find_earlier(
        &mut self,
        facts: Vec<(AppointmentId, AppointmentFact)>,
        ask: &SchedulingAsk,
        cx: &mut Context<'_, Self>,
    ) {
        self.asked_store.push(ask.clone());
        let (store, company) = (self.world.store.clone(), self.company);
        let (ask, again) = (Box::new(ask.clone()), Box::new(ask.clone()));
        let find = async move {
            let earlier = read_earlier(store.as_ref(), company, &facts).await;
            SchedulingMessage::EarlierFound { ask, earlier }
        };
        cx.start(find, || SchedulingMessage::EarlierFound { ask: again, earlier: Earlier::NotNow });
    }

    /// Agents whose time is over before the store has answered: nothing is booked for them.
    pub(super) fn answer_without_store(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let (overdue, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.asked_store).into_iter().partition(|ask| self.answer_by(ask) <= now);
        self.asked_store = waiting;
        overdue.iter().for_each(|ask| self.answer(ask, cx, |a| a.busy()));
    }

    pub(super) fn earlier_found(
        &mut self,
        ask: &SchedulingAsk,
        earlier: &Earlier,
        cx: &mut Context<'_, Self>,
    ) {
        let same = |other: &SchedulingAsk| {
            other.call_id == ask.call_id
                && other.order_key == ask.order_key
                && other.deadline == ask.deadline
                && other.tool_call.id == ask.tool_call.id
        };
        if let Some(place) = self.asked_store.iter().position(same) {
            self.asked_store.swap_remove(place);
        }
        // Whoever was told to try again by now must not get a booking that they never hear of.
        if self.answer_by(ask) <= cx.now() {
            return self.answer(ask, cx, |a| a.busy());
        }
        // They stand, stood or are open by the call's own books: never book one a second time.
        let bookings = match earlier {
            Earlier::Found(bookings) => bookings,
            Earlier::NotNow => return self.answer(ask, cx, |a| a.busy()),
            Earlier::Unreadable => return self.answer(ask, cx, |a| a.calendar_unavailable()),
        };
        bookings.iter().for_each(|booking| self.restore_stored(booking, cx));
        if let FunctionOrder::BookAppointment(order) = &ask.order {
            self.book(ask, &order.clone(), cx);
        }
    }
}

/// What the store has of bookings of which the call knows this. A row that is older has a newer one on its way: what
/// it says may not be so any more.
async fn read_earlier(
    store: &dyn BookingStore,
    company: CompanyId,
    facts: &[(AppointmentId, AppointmentFact)],
) -> Earlier {
    let mut bookings = Vec::with_capacity(facts.len());
    for (appointment, fact) in facts {
        match store.find(company, appointment).await {
            Ok(Some(booking)) if booking.version >= fact.version => bookings.push(booking),
            Err(unreadable @ StoreError::Corrupt(_)) => {
                tell_unreadable(Table::Appointments, &unreadable);
                return Earlier::Unreadable;
            }
            Ok(_) | Err(_) => return Earlier::NotNow,
        }
    }
    Earlier::Found(bookings)
}
