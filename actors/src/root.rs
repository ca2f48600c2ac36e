//! Starts all actors in the right order, and brings back what they knew.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use askpro_domain::{
    ids::{CallId, CompanyId},
    policy::BudgetSettings,
};
use futures_util::{
    future::join_all,
    stream::{self, StreamExt, TryStreamExt},
};
use tokio::sync::watch;

use crate::{
    announcing::JournaledAnnouncement,
    budget::Budgets,
    callbacks::OpenCallbacks,
    calls::{CallFactory, CallMessage, CallSettings, CallWorld, Calls},
    customers::CustomerBook,
    outage::Outage,
    outstanding::{Outstanding, PendingLog},
    parked::Parked,
    ports::{
        calendar::{Calendar, CalendarDecoder},
        clock::Clock,
        directory::DirectoryView,
        journal::{Journal, Position, Record, SchedulingRecord},
        stores::{BatchStore, BookingStore, CallStore, CallbackStore, CustomerStore, LiveRow, StoreError},
        voice::{EventDecoder, Voice},
    },
    reconcile::{ReconcileActor, ReconcileFactory, ReconcileSettings, ReconcileWorld},
    runtime::{Limits, Peers, Registry, Reply, Runtime, Scope},
    scheduling::{
        BreakerBoard, Pins, Restore, SchedulingActor, SchedulingFactory, SchedulingMessage,
        SchedulingSettings, SchedulingWorld, Unheeded,
    },
    tenant::{Admissions, LiveCounts, TenantActor, TenantFactory},
    writer::{Fence, WriterSettings, WriterWorld, Writers},
};

/// What the actors are given.
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Companies.
    pub directory: Arc<dyn DirectoryView>,
    /// The durable log.
    pub journal: Arc<dyn Journal>,
    /// The database, written.
    pub batches: Arc<dyn BatchStore>,
    /// The database, calls.
    pub calls: Arc<dyn CallStore>,
    /// The database, bookings.
    pub bookings: Arc<dyn BookingStore>,
    /// The database, customers.
    pub customers: Arc<dyn CustomerStore>,
    /// The database, callbacks.
    pub callbacks: Arc<dyn CallbackStore>,
    /// Cal.com.
    pub calendar: Arc<dyn Calendar>,
    /// Retell.
    pub voice: Arc<dyn Voice>,
    /// Reads events again.
    pub decoder: Arc<dyn EventDecoder>,
    /// Reads announcements of calendars again.
    pub calendar_decoder: Arc<dyn CalendarDecoder>,
}

/// Limits of all actors.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Of mailboxes and shards.
    pub limits: Limits,
    /// Of calls.
    pub calls: CallSettings,
    /// Of schedulers.
    pub scheduling: SchedulingSettings,
    /// Of those who ask Retell for calls.
    pub reconcile: ReconcileSettings,
    /// Of writers.
    pub writers: WriterSettings,
    /// Of the budgets of the calendar's keys.
    pub budget: BudgetSettings,
}

/// All actors, as the service sees them. Cheap to clone.
#[derive(Clone)]
pub struct Actors {
    /// Calls.
    pub calls: Calls,
    /// Schedulers.
    pub schedulers: Registry<SchedulingActor>,
    /// Companies.
    pub tenants: Registry<TenantActor>,
    /// Those who ask Retell for calls.
    pub reconcilers: Registry<ReconcileActor>,
    /// Writers.
    pub writers: Writers,
    /// The budgets of the calendar's keys.
    pub budgets: Budgets,
    /// Breakers that are not closed.
    pub breakers: BreakerBoard,
    /// Live calls.
    pub live: LiveCounts,
    /// Calls that were let in and are expected.
    pub admissions: Admissions,
    /// Customers in memory.
    pub customers: CustomerBook,
    /// Open callbacks in memory.
    pub callbacks: OpenCallbacks,
    /// What could not be delivered yet.
    pub parked: Parked,
    /// Slots that are held or being booked.
    pub holds_active: Arc<AtomicI64>,
    /// Which journal records are still needed.
    pub outstanding: Outstanding,
    /// Our epoch.
    pub fence: Arc<Fence>,
    /// Whether the database is away.
    pub outage: Arc<Outage>,
    /// Which records live holds and open bookings need.
    pins: Pins,
    /// `true` once the process ends: nothing is asked of Retell any more.
    closing: watch::Sender<bool>,
}

/// Bookings and calls read from the database in one question.
const PAGE: u32 = 1_000;
/// Pages of calls that are read at the same time: the database waits for its disk.
const PAGES_AT_ONCE: usize = 4;
/// How long a call may take to say whether it is over.
const ASK_CALL_MAX: Duration = Duration::from_secs(5);
/// How long the drain waits between two looks at the writers.
const DRAIN_STEP: Duration = Duration::from_millis(10);

impl Actors {
    /// Starts everything, with nothing in it.
    #[must_use]
    pub fn start(
        runtime: &Runtime,
        ports: &Ports,
        settings: &Settings,
        fence: Arc<Fence>,
        outage: Arc<Outage>,
    ) -> Self {
        let outstanding = Outstanding::new(ports.journal.clone());
        let pins = Pins::new(outstanding.clone());
        let pending = PendingLog::default();
        let parked = Parked::default();
        let live = LiveCounts::default();
        let admissions = Admissions::default();
        let customers = CustomerBook::default();
        let callbacks = OpenCallbacks::default();
        let writers = Writers::start(
            runtime,
            WriterWorld {
                store: ports.batches.clone(),
                journal: ports.journal.clone(),
                outstanding: outstanding.clone(),
                pending: pending.clone(),
                fence: fence.clone(),
                outage: outage.clone(),
                clock: ports.clock.clone(),
                settings: settings.writers.clone(),
            },
        );
        let start_tenants = TenantFactory { counts: live.clone(), clock: ports.clock.clone() };
        let limits = &settings.limits;
        let tenants = Registry::start(runtime, Arc::new(start_tenants), limits.clone(), ports.clock.clone());
        let call_world = Arc::new(CallWorld {
            clock: ports.clock.clone(),
            owner_since: ports.clock.now(),
            directory: ports.directory.clone(),
            store: ports.calls.clone(),
            writers: writers.clone(),
            journal: ports.journal.clone(),
            pending: pending.clone(),
            decoder: ports.decoder.clone(),
            customers: customers.clone(),
            callbacks: callbacks.clone(),
            voice: ports.voice.clone(),
            live: live.clone(),
            admissions: admissions.clone(),
            questions: std::sync::atomic::AtomicU64::new(0),
            schedulers: Peers::default(),
            tenants: Peers::default(),
            reconcilers: Peers::default(),
            parked: parked.clone(),
            settings: settings.calls.clone(),
        });
        let call_factory = Arc::new(CallFactory { world: call_world.clone() });
        let calls = Registry::start(runtime, call_factory, limits.clone(), ports.clock.clone());
        let budgets = Budgets::start(runtime, &ports.clock, settings.budget.clone(), limits.clone());
        let breakers = BreakerBoard::default();
        let holds_active = Arc::new(AtomicI64::new(0));
        let scheduling_world = Arc::new(SchedulingWorld {
            clock: ports.clock.clone(),
            directory: ports.directory.clone(),
            calendar: ports.calendar.clone(),
            turnstile: budgets.turnstile(),
            breakers: breakers.clone(),
            store: ports.bookings.clone(),
            journal: ports.journal.clone(),
            outstanding: outstanding.clone(),
            pins: pins.clone(),
            pending: pending.clone(),
            unheeded: Unheeded::default(),
            customers: customers.clone(),
            writers: writers.clone(),
            parked: parked.clone(),
            holds_active: holds_active.clone(),
            calls: Peers::default(),
            tenants: Peers::default(),
            settings: settings.scheduling.clone(),
        });
        let scheduling_factory = Arc::new(SchedulingFactory { world: scheduling_world.clone() });
        let schedulers = Registry::start(runtime, scheduling_factory, limits.clone(), ports.clock.clone());
        // Set once, here: nobody sends anything before.
        call_world.schedulers.set(&schedulers);
        call_world.tenants.set(&tenants);
        scheduling_world.calls.set(&calls);
        scheduling_world.tenants.set(&tenants);
        let calls = Calls::new(calls, call_world);
        let closing = watch::Sender::new(false);
        let reconcile_world = Arc::new(ReconcileWorld {
            clock: ports.clock.clone(),
            voice: ports.voice.clone(),
            store: ports.calls.clone(),
            pending,
            journal: ports.journal.clone(),
            calls: calls.clone(),
            closing: closing.clone(),
            settings: settings.reconcile.clone(),
        });
        let reconcile_factory = Arc::new(ReconcileFactory { world: reconcile_world });
        let reconcilers = Registry::start(runtime, reconcile_factory, limits.clone(), ports.clock.clone());
        calls.world().reconcilers.set(&reconcilers);
        Self {
            calls,
            schedulers,
            tenants,
            reconcilers,
            writers,
            budgets,
            breakers,
            live,
            admissions,
            customers,
            callbacks,
            parked,
            holds_active,
            outstanding,
            fence,
            outage,
            pins,
            closing,
        }
    }

    /// Records that the database has, or need not have, and that stay because live holds and open bookings of
    /// these companies need them after a crash.
    #[must_use]
    pub fn pinned(&self, companies: impl IntoIterator<Item = CompanyId>) -> usize {
        let mut pins: BTreeMap<Position, u32> = BTreeMap::new();
        for (_, position) in companies.into_iter().flat_map(|company| self.pins.of(company)) {
            *pins.entry(position).or_default() += 1;
        }
        pins.into_iter().filter(|(position, pins)| self.outstanding.needs(*position) <= *pins).count()
    }

    /// Brings back customers, callbacks, live calls and open bookings from the database.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn restore(&self, ports: &Ports, journaled: Journaled) -> Result<Restored, StoreError> {
        self.customers.load(ports.customers.as_ref(), ports.clock.now()).await?;
        self.callbacks.load(ports.callbacks.as_ref(), ports.clock.now()).await?;
        let calls = self.restore_calls(ports).await?;
        tracing::info!(calls, "live calls are back");
        self.writers.go_on();
        let bookings = self.restore_schedulers(ports, journaled.scheduling).await?;
        // The schedulers hear them after what they must restore.
        for announced in journaled.announced {
            self.announce(announced.decoded(ports.calendar_decoder.as_ref()));
        }
        Ok(Restored { calls, bookings, events: journaled.events })
    }

    /// The next pages are read while one is handed out.
    async fn restore_calls(&self, ports: &Ports) -> Result<usize, StoreError> {
        let places = ports.calls.live_places().await?;
        let bounds = places.chunks(PAGE as usize).filter_map(|page| Some((*page.first()?, *page.last()?)));
        let bounds: Vec<_> = bounds.collect();
        let read = |(first, last)| {
            let calls = ports.calls.clone();
            async move { calls.list_live(first, last).await }
        };
        let mut pages = stream::iter(bounds).map(read).buffered(PAGES_AT_ONCE);
        let mut count = 0;
        while let Some(page) = pages.try_next().await? {
            count += page.len();
            for row in page {
                match row {
                    LiveRow::Whole(live) => {
                        let call_id = live.state.call_id.clone();
                        self.offer_to_call(call_id, CallMessage::Restored(live)).await;
                    }
                    LiveRow::Damaged { call_id } => {
                        self.offer_to_call(call_id, CallMessage::LoadAgain).await;
                    }
                }
            }
        }
        Ok(count)
    }

    /// A full shard is waited for: nothing else runs yet. Calls that are over make room once their rows are written.
    async fn offer_to_call(&self, call_id: CallId, mut message: CallMessage) {
        while let Err(refused) = self.calls.registry().offer(call_id.clone(), message) {
            message = refused.message;
            if refused.scope == Scope::Actors {
                self.writers.go_on();
            }
            tokio::time::sleep(DRAIN_STEP).await;
        }
    }

    async fn restore_schedulers(
        &self,
        ports: &Ports,
        mut by_company: BTreeMap<CompanyId, Restore>,
    ) -> Result<usize, StoreError> {
        let mut after = None;
        let mut count = 0;
        loop {
            let page = ports.bookings.list_open(after.as_ref(), PAGE).await?;
            for booking in page.rows {
                count += 1;
                by_company.entry(booking.order.company).or_default().bookings.push(booking);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut damaged = BTreeSet::new();
        for (company, mut restore) in by_company {
            restore.calls_over = self.calls_over(ports, &restore, &mut damaged).await?;
            // The schedulers are empty: their mailboxes take one message each.
            if self.schedulers.offer(company, SchedulingMessage::Restore(Box::new(restore))).is_err() {
                return Err(StoreError::Unavailable(
                    "a scheduler did not take what it must restore".to_owned(),
                ));
            }
        }
        // Whether they are over they tell themselves, once they have made their states anew.
        for call_id in damaged {
            self.offer_to_call(call_id, CallMessage::LoadAgain).await;
        }
        Ok(count)
    }

    /// Which calls with holds or bookings are over: their offers ended with them. Those whose rows cannot be read
    /// are `damaged`.
    async fn calls_over(
        &self,
        ports: &Ports,
        restore: &Restore,
        damaged: &mut BTreeSet<CallId>,
    ) -> Result<Vec<CallId>, StoreError> {
        let in_records = restore.records.iter().filter_map(|(_, record)| match record {
            SchedulingRecord::Held { hold, .. } => Some(&hold.call_id),
            SchedulingRecord::Moved { booking } => Some(&booking.order.call_id),
            SchedulingRecord::Ordered { order, .. } => Some(&order.call_id),
            SchedulingRecord::Released { .. } | SchedulingRecord::OrderClosed { .. } => None,
        });
        let in_rows = restore.bookings.iter().map(|booking| &booking.order.call_id);
        let call_ids: BTreeSet<CallId> = in_records.chain(in_rows).cloned().collect();
        let call_ids: Vec<CallId> = call_ids.into_iter().collect();
        let mut over = Vec::new();
        for some in call_ids.chunks(PAGE as usize) {
            let found = some.iter().map(|call_id| ports.calls.find_call_state(call_id));
            for (call_id, stored) in some.iter().zip(join_all(found).await) {
                let stored = match stored {
                    Err(StoreError::Corrupt(_)) => {
                        damaged.insert(call_id.clone());
                        None
                    }
                    stored => stored?,
                };
                let is_over = stored.is_some_and(|state| state.is_over());
                if is_over || self.is_over_in_memory(call_id).await {
                    over.push(call_id.clone());
                }
            }
        }
        Ok(over)
    }

    /// Whether a call is over by events of the journal that are not yet in the database.
    async fn is_over_in_memory(&self, call_id: &CallId) -> bool {
        if !self.calls.registry().is_live(call_id) {
            return false;
        }
        let (reply, view) = Reply::new();
        if self.calls.registry().offer(call_id.clone(), CallMessage::GetCall(reply)).is_err() {
            return false;
        }
        let view = tokio::time::timeout(ASK_CALL_MAX, view).await;
        matches!(view, Ok(Ok(view)) if view.state.is_over())
    }

    /// Whether nothing waits anywhere: mailboxes, parked notes, writers.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.parked.is_empty()
            && self.calls.registry().queued() == 0
            && self.schedulers.queued() == 0
            && self.writers.is_idle()
    }

    /// Questions to the calendar and the database that have not come back.
    fn working(&self) -> usize {
        self.calls.registry().working() + self.schedulers.working()
    }

    /// Lets everything that was taken run to its end: what is parked, what is queued, what is written. Gives
    /// whether all was done within `limit`; what was not is in the journal and comes back at the next start.
    pub async fn drain(&self, limit: Duration) -> bool {
        self.closing.send_replace(true);
        let drained = async {
            self.reconcilers.drain(limit).await;
            // Calls and schedulers tell each other things until nothing is left to tell; only then one of
            // them may close its doors.
            while (!self.is_idle() || self.working() > 0) && !self.fence.is_lost() {
                self.calls.pump();
                tokio::time::sleep(DRAIN_STEP).await;
            }
            self.schedulers.drain(limit).await;
            self.budgets.registry().drain(limit).await;
            self.calls.registry().drain(limit).await;
            // Calls that leave write their newest transcripts.
            while !self.writers.is_idle() && !self.fence.is_lost() {
                tokio::time::sleep(DRAIN_STEP).await;
            }
            self.tenants.drain(limit).await;
            self.writers.registry().drain(limit).await;
        };
        tokio::time::timeout(limit, drained).await.is_ok()
    }
}

/// What the journal told at start, by whom it is for.
#[derive(Debug, Default)]
pub struct Journaled {
    /// Records of the schedulers.
    pub scheduling: BTreeMap<CompanyId, Restore>,
    /// Announcements of calendars, in order.
    pub announced: Vec<JournaledAnnouncement>,
    /// Events that were delivered to their calls.
    pub events: usize,
}

/// What came back at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restored {
    /// Live calls of the database.
    pub calls: usize,
    /// Open bookings of the database.
    pub bookings: usize,
    /// Events of the journal.
    pub events: usize,
}

impl Journaled {
    /// Sorts a record in: events go to their calls at once, records of schedulers are collected.
    ///
    /// # Errors
    /// A text when an event cannot be read.
    pub fn take(&mut self, calls: &Calls, position: Position, record: Record) -> Result<(), String> {
        match record {
            Record::Scheduling(record) => {
                let company = company_of(&record);
                self.scheduling.entry(company).or_default().records.push((position, record));
                Ok(())
            }
            callback @ Record::Callback(_) => calls.deliver_from_journal(position, callback).map(|_| ()),
            Record::CalendarEvent { company, received_at, body } => {
                self.announced.push(JournaledAnnouncement { position, company, received_at, body });
                Ok(())
            }
            event @ Record::RetellEvent { .. } => {
                calls.deliver_from_journal(position, event)?;
                self.events += 1;
                Ok(())
            }
        }
    }
}

fn company_of(record: &SchedulingRecord) -> CompanyId {
    match record {
        SchedulingRecord::Held { company, .. }
        | SchedulingRecord::Released { company, .. }
        | SchedulingRecord::OrderClosed { company, .. } => *company,
        SchedulingRecord::Ordered { order, .. } => order.company,
        SchedulingRecord::Moved { booking } => booking.order.company,
    }
}
