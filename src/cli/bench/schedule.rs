//! When what is sent: an open loop. Everything is due at a time that nobody's answer moves.
//!
//! Pure: times are microseconds after the beginning; no clock, no network. It must not know how long anything
//! takes.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::model::Model;
use super::pool::{Pool, Template};
use super::wish::Wish;
use crate::cli::oracle::{SentCall, SentEvent, Told};

/// How long calls that are live when the measured time is over take to end, in us, at most.
const ENDING_US_MAX: f64 = 20_000_000.0;

/// The three parts of a run, in us: traffic builds up, is measured, ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Phases {
    /// Until here the calls that are live from the beginning come in one after another.
    pub(super) warm_up_us: u64,
    /// From the end of the warm-up to here new calls come in, and everything due is measured.
    pub(super) measured_until_us: u64,
}

impl Phases {
    /// Whether something that was due then belongs to the measurement.
    pub(super) fn is_measured(&self, due_us: u64) -> bool {
        (self.warm_up_us..self.measured_until_us).contains(&due_us)
    }
}

/// One call of the run, and what was heard about it.
#[derive(Debug)]
pub(super) struct LiveCall {
    /// How it goes.
    pub(super) template: Arc<Template>,
    /// Its own id.
    pub(super) call_id: String,
    /// Who calls.
    pub(super) caller: String,
    /// What the caller wants.
    pub(super) wish: Wish,
    /// Its company's Cal.com is in trouble.
    pub(super) in_trouble: bool,
    /// When it starts, in us.
    pub(super) start_us: u64,
    /// How long people talk, in us.
    talk_us: u64,
    closing: Closing,
    /// Something of it was sent.
    pub(super) begun: AtomicBool,
    /// Its end was sent.
    pub(super) ended: AtomicBool,
    /// One bit for each of the expected events.
    acknowledged: AtomicU32,
    told: Mutex<Vec<Told>>,
}

/// After this time everything passes faster, so that a run with long calls ends soon.
#[derive(Debug, Clone, Copy)]
struct Closing {
    from_us: u64,
    pace: f64,
}

impl Closing {
    fn squeeze(self, due_us: u64) -> u64 {
        let beyond = due_us.saturating_sub(self.from_us);
        due_us - beyond + (beyond as f64 * self.pace) as u64
    }
}

impl LiveCall {
    /// When an offset of its template happens, in us.
    pub(super) fn due_us(&self, offset_ms: i64) -> u64 {
        self.closing.squeeze(self.start_us + self.template.stretch(offset_ms, self.talk_us))
    }

    /// One of its events was acknowledged.
    pub(super) fn acknowledge(&self, event: &str) {
        if let Some(place) = self.template.expected.events.iter().position(|is| *is == event) {
            let bit = u32::try_from(place).ok().and_then(|place| 1_u32.checked_shl(place)).unwrap_or(0);
            self.acknowledged.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// The agent was told about a booking; what counts for an appointment is the last word.
    pub(super) fn tell(&self, told: Told) {
        let mut all = self.told();
        match all.iter_mut().find(|before| before.appointment_id == told.appointment_id) {
            Some(before) => before.confirmed |= told.confirmed,
            None => all.push(told),
        }
    }

    /// For the oracle.
    pub(super) fn sent(&self) -> SentCall {
        let bits = self.acknowledged.load(Ordering::Relaxed);
        let events = (0_u32..).zip(&self.template.expected.events).map(|(place, event)| SentEvent {
            event,
            acknowledged: bits.checked_shr(place).is_some_and(|bits| bits & 1 == 1),
        });
        SentCall {
            call_id: self.call_id.clone(),
            events: events.collect(),
            status: self.template.expected.status,
            told: self.told().clone(),
        }
    }

    fn told(&self) -> MutexGuard<'_, Vec<Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that is due.
#[derive(Debug, Clone)]
pub(super) struct Due {
    /// When, in us.
    pub(super) due_us: u64,
    /// Of which call.
    pub(super) call: Arc<LiveCall>,
    /// Which of its template's deliveries.
    pub(super) delivery: usize,
}

/// Everything a run sends, in the order of its due times.
#[derive(Debug)]
pub(super) struct Schedule {
    pool: Pool,
    model: Model,
    phases: Phases,
    closing: Closing,
    rng: SmallRng,
    id_rng: SmallRng,
    today: Date,
    booking_days: u32,
    troubled: BTreeSet<usize>,
    first_calls: u32,
    next_call_us: f64,
    waiting: BinaryHeap<Reverse<Waiting>>,
    sequence: u64,
}

/// Ordered by time, then by the order in which it was planned.
#[derive(Debug)]
struct Waiting {
    key: (u64, u64),
    call: Arc<LiveCall>,
    delivery: usize,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

/// Where a schedule's chance comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seeds {
    /// Decides who calls when and wants what: the same seed, the same traffic.
    pub(super) traffic: u64,
    /// Decides the ids: another one for each run, or a service would take the calls for old ones.
    pub(super) ids: u64,
}

impl Schedule {
    /// Callers want one of the `booking_days` days after `today`.
    pub(super) fn new(
        pool: Pool,
        model: Model,
        phases: Phases,
        seeds: Seeds,
        today: Date,
        booking_days: u32,
    ) -> Self {
        let longest_us = model.call_s * 1_000_000.0 * 4.0 / 3.0;
        let closing =
            Closing { from_us: phases.measured_until_us, pace: (ENDING_US_MAX / longest_us).min(0.5) };
        Self {
            pool,
            model,
            phases,
            closing,
            rng: SmallRng::seed_from_u64(seeds.traffic),
            id_rng: SmallRng::seed_from_u64(seeds.ids),
            today,
            booking_days,
            troubled: BTreeSet::new(),
            first_calls: 0,
            next_call_us: phases.warm_up_us as f64,
            waiting: BinaryHeap::new(),
            sequence: 0,
        }
    }

    /// The lines at these places are in trouble.
    pub(super) fn with_trouble_at(self, troubled: BTreeSet<usize>) -> Self {
        Self { troubled, ..self }
    }

    /// When the next call begins; `None` where no more come.
    fn next_start_us(&self) -> Option<u64> {
        if self.first_calls < self.model.concurrent_calls {
            let share = f64::from(self.first_calls) / f64::from(self.model.concurrent_calls);
            return Some((self.phases.warm_up_us as f64 * share) as u64);
        }
        let next_us = self.next_call_us as u64;
        (next_us < self.phases.measured_until_us).then_some(next_us)
    }

    /// Plans the call that begins then. The first ones have been talking already: they end at any time within
    /// a call's length after the warm-up. The others follow as calls do, independently of each other.
    fn begin_call(&mut self, start_us: u64) {
        let length_us = self.model.call_s * 1_000_000.0 * self.rng.random_range(2.0 / 3.0..4.0 / 3.0);
        let talk_us = if self.first_calls < self.model.concurrent_calls {
            self.first_calls += 1;
            let end_us = self.phases.warm_up_us as f64 + length_us * self.rng.random::<f64>();
            end_us as u64 - start_us
        } else {
            let gap: f64 = -(1.0 - self.rng.random::<f64>()).ln();
            self.next_call_us += gap / self.model.calls_per_s * 1_000_000.0;
            length_us as u64
        };
        let place = self.rng.random_range(0..self.pool.templates.len().max(1));
        let Some(template) = self.pool.templates.get(place).cloned() else { return };
        let Some(line) = self.pool.lines.get(template.line) else { return };
        let wish = Wish::invent(&mut self.rng, line, self.today, self.booking_days);
        let call = Arc::new(LiveCall {
            call_id: new_id(&mut self.id_rng, &template.call_id),
            caller: format!("+4915{:09}", self.rng.random_range(0..1_000_000_000_u32)),
            wish,
            in_trouble: self.troubled.contains(&template.line),
            start_us,
            talk_us,
            closing: self.closing,
            begun: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            acknowledged: AtomicU32::new(0),
            told: Mutex::default(),
            template,
        });
        self.plan(&call);
    }

    fn plan(&mut self, call: &Arc<LiveCall>) {
        for (delivery, planned) in call.template.deliveries.iter().enumerate() {
            self.sequence += 1;
            let key = (call.due_us(planned.offset_ms), self.sequence);
            self.waiting.push(Reverse(Waiting { key, call: call.clone(), delivery }));
        }
    }
}

impl Iterator for Schedule {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        loop {
            let due_us = self.waiting.peek().map(|Reverse(waiting)| waiting.key.0);
            match (self.next_start_us(), due_us) {
                (Some(start_us), None) => self.begin_call(start_us),
                (Some(start_us), Some(due_us)) if start_us <= due_us => self.begin_call(start_us),
                _ => break,
            }
        }
        let Reverse(Waiting { key, call, delivery }) = self.waiting.pop()?;
        Some(Due { due_us: key.0, call, delivery })
    }
}

/// An id of the same shape and length: what stands before the first `_` stays.
fn new_id(rng: &mut SmallRng, old: &str) -> String {
    let prefix = old.find('_').map_or(0, |at| at + 1);
    let hex = |_: char| char::from_digit(rng.random_range(0..16), 16).unwrap_or('0');
    let (kept, replaced) = old.split_at_checked(prefix).unwrap_or(("", old));
    kept.chars().chain(replaced.chars().map(hex)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::cli::bench::companies;
    use crate::cli::bench::pool::Route;
    use crate::simulators::retell::{CompanyLine, Disorder};

    const PHASES: Phases = Phases { warm_up_us: 10_000_000, measured_until_us: 70_000_000 };

    fn schedule(concurrent_calls: u32, rate: Option<f64>, ids: u64) -> Schedule {
        let lines = CompanyLine::from_import_json(&companies::generate(5));
        let pool = Pool::write(1, 60, lines, 0.3, Disorder::default(), 1_795_420_800_000);
        let model = Model::derive(Some(concurrent_calls), rate, pool.events_per_call());
        let today = jiff::civil::date(2026, 11, 23);
        Schedule::new(pool, model, PHASES, Seeds { traffic: 1, ids }, today, 10)
    }

    #[test]
    fn everything_comes_in_the_order_of_its_due_time() {
        let times: Vec<u64> = schedule(100, None, 1).map(|due| due.due_us).collect();
        assert!(times.is_sorted());
        assert!(times.len() > 1_000);
        assert!(*times.last().unwrap() < 100_000_000, "{:?}", times.last());
    }

    #[test]
    fn the_rate_that_was_asked_for_is_the_rate_that_is_sent() {
        let events = schedule(300, Some(400.0), 1).filter(|due| {
            let delivery = &due.call.template.deliveries[due.delivery];
            PHASES.is_measured(due.due_us) && matches!(delivery.route, Route::Event(_))
        });
        let per_s = events.count() as f64 / 60.0;
        assert!((340.0..460.0).contains(&per_s), "{per_s}");
    }

    #[test]
    fn as_many_calls_are_live_as_were_asked_for() {
        let mut live: HashMap<String, (u64, u64)> = HashMap::new();
        for due in schedule(200, None, 1) {
            let call = &due.call;
            live.insert(call.call_id.clone(), (call.start_us, call.due_us(call.template.talk_ms)));
        }
        for at_us in [15_000_000, 40_000_000, 65_000_000] {
            let count = live.values().filter(|(start, end)| (*start..*end).contains(&at_us)).count();
            assert!((130..270).contains(&count), "{count} calls at {at_us}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_times_but_other_ids() {
        let (one, two): (Vec<Due>, Vec<Due>) =
            (schedule(50, None, 1).collect(), schedule(50, None, 2).collect());
        assert!(one.iter().map(|due| due.due_us).eq(two.iter().map(|due| due.due_us)));
        let ids = |all: &[Due]| all.iter().map(|due| due.call.call_id.clone()).collect::<HashSet<_>>();
        assert!(ids(&one).is_disjoint(&ids(&two)));
        assert!(one.iter().all(|due| due.call.call_id.len() == due.call.template.call_id.len()));
    }

    #[test]
    fn long_calls_end_soon_after_the_measured_time() {
        let last = schedule(1_000, Some(10.0), 1).map(|due| due.due_us).max().unwrap();
        assert!(last < 100_000_000, "{last}");
    }

    #[test]
    fn what_was_acknowledged_and_told_stands_in_the_ledger() {
        let due = schedule(10, None, 1).find(|due| due.call.template.expected.status == "ended").unwrap();
        due.call.acknowledge("call_ended");
        due.call.acknowledge("transcript_updated");
        due.call.tell(Told { appointment_id: "a".to_owned(), confirmed: false });
        due.call.tell(Told { appointment_id: "a".to_owned(), confirmed: true });
        let sent = due.call.sent();
        let acknowledged: Vec<&str> =
            sent.events.iter().filter(|event| event.acknowledged).map(|event| event.event).collect();
        assert!(acknowledged.is_empty() || acknowledged == ["call_ended"]);
        assert_eq!(sent.told, [Told { appointment_id: "a".to_owned(), confirmed: true }]);
    }
}
