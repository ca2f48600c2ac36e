//! The journal and the calendar behind the fence: once another process owns the database, nothing that this one
//! does may count. It acknowledges nothing more, and orders nothing at the calendar.

use std::sync::Arc;

use askpro_actors::{
    ports::{
        calendar::{
            Calendar, CalendarError, CreateOutcome, FoundBooking, Offered, ReserveOutcome, ReserveWish, Turn,
        },
        journal::{Durable, Journal, JournalError, JournalStatus, Position, Record},
    },
    writer::Fence,
};
use askpro_domain::{
    booking::BookingOrder,
    ids::CompanyId,
    time::{Interval, UnixMillis},
};

/// What is said of everything that is not done any more.
const FENCED: &str = "another process owns the database";

/// Something that stands behind the fence.
pub(super) struct Fenced<T> {
    inner: T,
    fence: Arc<Fence>,
}

impl<T> Fenced<T> {
    pub(super) const fn new(inner: T, fence: Arc<Fence>) -> Self {
        Self { inner, fence }
    }
}

#[async_trait::async_trait]
impl<J: Journal> Journal for Fenced<J> {
    /// A record that came to the disk while the fence was lost stays there; its sender, who hears an error,
    /// brings it to the next owner as well.
    async fn append(&self, record: Record) -> Result<Position, JournalError> {
        stands(&self.fence)?;
        let position = self.inner.append(record).await?;
        stands(&self.fence).map(|()| position)
    }

    fn append_ordered(&self, record: Record) -> Result<(Position, Durable), JournalError> {
        stands(&self.fence)?;
        let (position, durable) = self.inner.append_ordered(record)?;
        let fence = self.fence.clone();
        let fenced = async move {
            durable.await?;
            stands(&fence)
        };
        Ok((position, Box::pin(fenced)))
    }

    fn read(&self, position: Position) -> Result<Record, JournalError> {
        self.inner.read(position)
    }

    fn committed(&self, positions: &[Position]) {
        self.inner.committed(positions);
    }

    fn is_behind(&self, position: Position) -> bool {
        self.inner.is_behind(position)
    }

    fn status(&self) -> JournalStatus {
        self.inner.status()
    }
}

fn stands(fence: &Fence) -> Result<(), JournalError> {
    if fence.is_lost() { Err(JournalError::Unavailable(FENCED.to_owned())) } else { Ok(()) }
}

#[async_trait::async_trait]
impl<C: Calendar> Calendar for Fenced<C> {
    async fn slots(
        &self,
        company: CompanyId,
        event_type_id: i64,
        window: Interval,
        turn: &Turn,
    ) -> Result<Offered, CalendarError> {
        self.inner.slots(company, event_type_id, window, turn).await
    }

    /// One under way is given up when the fence falls, so that none that still waits is sent: the next owner
    /// looks for it.
    async fn create(&self, order: &BookingOrder, submitted_at: UnixMillis, turn: &Turn) -> CreateOutcome {
        if self.fence.is_lost() {
            return CreateOutcome::NotSent;
        }
        tokio::select! {
            biased;
            () = self.fence.lost() => CreateOutcome::AnswerLost,
            outcome = self.inner.create(order, submitted_at, turn) => outcome,
        }
    }

    async fn look(
        &self,
        order: &BookingOrder,
        submitted_at: UnixMillis,
        turn: &Turn,
    ) -> Result<Option<FoundBooking>, CalendarError> {
        self.inner.look(order, submitted_at, turn).await
    }

    async fn cancel(
        &self,
        company: CompanyId,
        uid: &str,
        reason: &str,
        turn: &Turn,
    ) -> Result<(), CalendarError> {
        let fenced = || CalendarError::Unavailable(FENCED.to_owned());
        tokio::select! {
            biased;
            () = self.fence.lost() => Err(fenced()),
            done = self.inner.cancel(company, uid, reason, turn) => done,
        }
    }

    async fn reserve(&self, wish: &ReserveWish, turn: &Turn) -> ReserveOutcome {
        if self.fence.is_lost() {
            return ReserveOutcome::NotSent;
        }
        tokio::select! {
            biased;
            () = self.fence.lost() => ReserveOutcome::AnswerLost,
            outcome = self.inner.reserve(wish, turn) => outcome,
        }
    }

    /// What is taken away was our own: the next owner does not know of it.
    async fn unreserve(&self, company: CompanyId, uid: &str, turn: &Turn) -> Result<(), CalendarError> {
        self.inner.unreserve(company, uid, turn).await
    }
}

#[cfg(test)]
mod tests {
    use askpro_actors::ports::{
        fakes::{FakeCalendar, FakeJournal, FreeTurnstile},
        journal::Signer,
    };
    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use serde_json::json;

    use super::*;

    const AT: UnixMillis = UnixMillis(1_795_420_800_000);

    fn record() -> Record {
        Record::RetellEvent { signer: Signer::Platform, received_at: AT, body: Bytes::from_static(b"{}") }
    }

    fn order() -> BookingOrder {
        serde_json::from_value(json!({
            "appointment": "apt_1", "company": 1, "branch": 2, "call_id": "call_c1", "order_key": "book",
            "service": 3, "staff": null, "event_type_id": 2001, "interval": { "start": AT, "end": AT.0 + 1_800_000 },
            "hold": "hold_1", "attendee": { "name": "Anna Schmidt", "phone": null, "email": "anna@example.org" },
            "notes": null, "time_zone": "Europe/Berlin", "language": "de",
        }))
        .unwrap()
    }

    fn turn() -> Turn {
        Arc::new(FreeTurnstile::default()).turn()
    }

    fn behind<T: Default>() -> (Fenced<T>, Arc<Fence>) {
        let fence = Arc::new(Fence::default());
        (Fenced::new(T::default(), fence.clone()), fence)
    }

    #[tokio::test]
    async fn nothing_is_acknowledged_once_the_fence_is_lost() {
        let (journal, fence) = behind::<FakeJournal>();
        journal.append(record()).await.unwrap();
        let (_, durable) = journal.append_ordered(record()).unwrap();
        durable.await.unwrap();
        fence.lose();
        assert!(matches!(journal.append(record()).await, Err(JournalError::Unavailable(_))));
        assert!(matches!(journal.append_ordered(record()), Err(JournalError::Unavailable(_))));
        assert_eq!(journal.inner.records().len(), 2, "nothing is written any more");
    }

    #[tokio::test]
    async fn what_reaches_the_disk_while_the_fence_falls_is_not_acknowledged() {
        let (journal, fence) = behind::<FakeJournal>();
        journal.inner.syncs.close();
        let mut appended = journal.append(record());
        assert!((&mut appended).now_or_never().is_none());
        let (_, mut durable) = journal.append_ordered(record()).unwrap();
        assert!((&mut durable).now_or_never().is_none());
        fence.lose();
        journal.inner.syncs.open();
        assert!(matches!(appended.await, Err(JournalError::Unavailable(_))));
        assert!(matches!(durable.await, Err(JournalError::Unavailable(_))));
    }

    #[tokio::test]
    async fn nothing_is_ordered_at_the_calendar_once_the_fence_is_lost() {
        let (calendar, fence) = behind::<FakeCalendar>();
        fence.lose();
        assert_eq!(calendar.create(&order(), AT, &turn()).await, CreateOutcome::NotSent);
        assert!(calendar.cancel(CompanyId(1), "uid_1", "late", &turn()).await.is_err());
        let wish = ReserveWish {
            company: CompanyId(1),
            event_type_id: 2001,
            start: order().interval.start(),
            minutes: 5,
        };
        assert_eq!(calendar.reserve(&wish, &turn()).await, ReserveOutcome::NotSent);
        assert_eq!((calendar.inner.posts().len(), calendar.inner.cancels().len()), (0, 0));
        assert!(calendar.inner.requests().is_empty());
    }

    #[tokio::test]
    async fn an_order_that_waits_before_it_is_sent_is_given_up_when_the_fence_falls() {
        let (calendar, fence) = behind::<FakeCalendar>();
        calendar.inner.creates.close();
        let (order, turn) = (order(), turn());
        let mut creating = calendar.create(&order, AT, &turn);
        assert!((&mut creating).now_or_never().is_none());
        fence.lose();
        assert_eq!(creating.now_or_never(), Some(CreateOutcome::AnswerLost));
        calendar.inner.creates.open();
        assert!(calendar.inner.posts().is_empty());
    }
}
