//! Callers who call, ask, book and hang up, sent as Retell sends them: signed, by their company's own workspace where it
//! has one, up to three times again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use askpro::simulators::retell::{
    CallScript, CompanyLine, Delivery, DeliveryKind, Disorder, Mix, Receipt, Retries, ScriptGenerator,
    Target, deliver,
};
use tokio::{
    task::{JoinHandle, JoinSet},
    time::Instant,
};

use crate::{
    companies,
    ledger::{Ledger, is_write},
    support::{days::now_ms, service::WEBHOOK_KEY},
};

/// Events are sent so many times more; Retell's documents say up to three.
const RETRIES: u32 = 3;
/// Before the first repeat; doubled for each further one.
const PAUSE: Duration = Duration::from_millis(800);
/// Attempts at the end, when whatever was refused is sent once more.
const LAST_ATTEMPTS: u32 = 20;

/// Who calls, and how.
#[derive(Debug, Clone)]
pub struct Style {
    /// At the same time.
    pub callers: usize,
    /// How much faster than real a call passes.
    pub factor: f64,
    pub mix: Mix,
    pub disorder: Disorder,
    /// All call this company, by its place; else each call goes to any of them.
    pub company: Option<usize>,
}

impl Style {
    /// So many callers who book often and clash; a call takes a second or two.
    pub fn busy(callers: usize) -> Self {
        Self {
            callers,
            factor: 60.0,
            mix: Mix {
                function_share: 0.9,
                booking_share: 0.8,
                booking_days: 9,
                transcript_updates: true,
                longest_s: 240.0,
                ..Mix::default()
            },
            disorder: Disorder { duplicate_share: 0.08, reorder_share: 0.08, retry_share: 0.03 },
            company: None,
        }
    }
}

/// The way to the service.
pub struct Line {
    client: reqwest::Client,
    bases: Vec<String>,
    preferred: AtomicUsize,
    /// Retell's clock is this much ahead of the rig's.
    ahead_ms: AtomicI64,
    pub ledger: Ledger,
}

impl Line {
    /// To a service at these addresses: whichever does not take a request is not asked again before the others.
    pub fn new(bases: &[&str]) -> Arc<Self> {
        Arc::new(Self {
            client: askpro::simulators::http_client().unwrap(),
            bases: bases.iter().map(|base| (*base).to_owned()).collect(),
            preferred: AtomicUsize::new(0),
            ahead_ms: AtomicI64::new(0),
            ledger: Ledger::default(),
        })
    }

    pub fn set_ahead_ms(&self, ms: i64) {
        self.ahead_ms.store(ms, Ordering::SeqCst);
    }

    /// Sends it until it is acknowledged, so many times at most.
    pub async fn send(&self, delivery: &Delivery, attempts: u32) -> Receipt {
        let mut pause = PAUSE;
        let mut attempt = 1;
        loop {
            let at = self.preferred.load(Ordering::SeqCst);
            let receipt = self.attempt(&self.bases[at % self.bases.len()], delivery).await;
            if receipt.acknowledged() || attempt >= attempts {
                return receipt;
            }
            let _ = self.preferred.compare_exchange(at, at + 1, Ordering::SeqCst, Ordering::SeqCst);
            attempt += 1;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(4));
        }
    }

    async fn attempt(&self, base: &str, delivery: &Delivery) -> Receipt {
        let company = self.ledger.company_of(&delivery.call_id);
        let own = company.and_then(|company| Some((companies::own_key(company)?, companies::slug(company))));
        let (key, company) = own.map_or((WEBHOOK_KEY.to_owned(), None), |(key, slug)| (key, Some(slug)));
        let target = Target { base_url: base.to_owned(), key, company };
        let once =
            Retries { retries_max: 0, function_time_out: Duration::from_secs(30), ..Retries::default() };
        let ahead = self.ahead_ms.load(Ordering::SeqCst);
        let now: askpro::simulators::Now = Arc::new(move || now_ms() + ahead);
        let since = Instant::now();
        let receipt = deliver(&self.client, &target, delivery, &once, &now).await;
        self.ledger.note(delivery, &receipt, since.elapsed());
        receipt
    }

    /// Sends whatever was never acknowledged once more, as it comes back when a service is well again.
    pub async fn bring_the_rest(self: &Arc<Self>) {
        let mut all = JoinSet::new();
        for delivery in self.ledger.unacknowledged() {
            while all.len() >= 16 {
                all.join_next().await;
            }
            let line = self.clone();
            all.spawn(async move { line.send(&delivery, LAST_ATTEMPTS).await });
        }
        while all.join_next().await.is_some() {}
    }
}

/// Callers on their way. Dropping it hangs all of them up.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<()>>,
    line: Arc<Line>,
}

impl Traffic {
    pub fn start(line: &Arc<Line>, lines: &[CompanyLine], style: &Style, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let lines = style.company.map_or(lines, |company| &lines[company..=company]);
        let caller = |place: usize| {
            let seed = seed.wrapping_mul(1_000_003).wrapping_add(place as u64);
            let generator = ScriptGenerator::new(seed, lines.to_vec(), style.mix.clone());
            tokio::spawn(calls(line.clone(), generator, style.clone(), seed, stop.clone()))
        };
        Self { callers: (0..style.callers).map(caller).collect(), stop, line: line.clone() }
    }

    /// No new calls; the running ones go on to their ends. Gives the number of events that nobody took, however
    /// often they were sent; they are brought once more.
    pub async fn end(mut self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        for caller in self.callers.drain(..) {
            caller.await.unwrap();
        }
        let untaken = self.line.ledger.unacknowledged().len();
        self.line.bring_the_rest().await;
        untaken
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        for caller in &self.callers {
            caller.abort();
        }
    }
}

async fn calls(
    line: Arc<Line>,
    mut generator: ScriptGenerator,
    style: Style,
    seed: u64,
    stop: Arc<AtomicBool>,
) {
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        let mut script = generator.next(now_ms());
        number += 1;
        style.disorder.apply(&mut script, seed.wrapping_add(number));
        let company = style.company.unwrap_or(script.company_index);
        line.ledger.begin(&script.call_id, company, script.expected.clone());
        one_call(&line, script, style.factor).await;
    }
}

/// How often a function is asked for until it is answered: as the printed tools have it, once more what reads and twice
/// more what writes.
fn attempts_of(delivery: &Delivery) -> u32 {
    if is_write(delivery) { 3 } else { 2 }
}

/// Events do not wait for each other; the conversation waits for its functions.
async fn one_call(line: &Arc<Line>, script: CallScript, factor: f64) {
    let begin = Instant::now();
    let mut events = JoinSet::new();
    for delivery in script.deliveries {
        let offset_ms = (delivery.due_ms - script.start_ms).max(0);
        tokio::time::sleep_until(begin + Duration::from_secs_f64(offset_ms as f64 / 1000.0 / factor)).await;
        if delivery.kind == DeliveryKind::Event {
            let line = line.clone();
            events.spawn(async move { line.send(&delivery, RETRIES + 1).await });
        } else {
            let receipt = line.send(&delivery, attempts_of(&delivery)).await;
            line.ledger.note_end(&delivery, &receipt);
        }
    }
    while events.join_next().await.is_some() {}
}
