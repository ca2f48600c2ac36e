//! Messages to actors of the runtime, gated, guarded and fair, beside tasks that are nothing of that; and what a
//! panic costs those who wait behind it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use askpro_actors::runtime::{Actor, Build, Context, Factory, Heartbeat, Limits, Registry, Runtime, Why};

use crate::{
    args::Args,
    oracle::Findings,
    rivals::tasks,
    samples::{Samples, percentile},
    table::{Goal, Row},
};

/// Calls that the messages go to in turn.
pub const ACTORS: u64 = 10_000;

pub async fn measure(args: &Args, findings: &mut Findings) -> Vec<Row> {
    let (mut own, mut theirs, mut panics) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..args.scale.runs {
        theirs.push(tasks::messages_per_second(ACTORS, args.scale.messages, findings));
        own.push(messages_per_second(args.scale.messages, findings).await);
        panics.push(panic_us(args.scale.panics).await);
    }
    vec![
        Row::new("panic to next message handled, p50", "us", panics).must(Goal::AtMost(10.0)),
        Row::new("messages over 10,000 calls", "/s", own)
            .over("tasks and channels", theirs)
            .must(Goal::AtLeast(0.15))
            .aim(Goal::AtLeast(0.3)),
    ]
}

/// Counts what it hears, or panics once where it is told to.
struct Counter {
    world: Arc<World>,
    heard: u64,
}

#[derive(Default)]
struct World {
    handled: AtomicU64,
    panicked: AtomicU64,
}

enum Message {
    Count,
    /// Panics the first time; keeps when.
    Trip(Arc<std::sync::Mutex<Option<Instant>>>),
    /// Tells when it is heard.
    Tell(mpsc::Sender<Instant>),
}

impl Actor for Counter {
    const KIND: &'static str = "counter";
    type Key = u64;
    type Message = Message;

    fn handle(&mut self, message: &Message, _cx: &mut Context<'_, Self>) {
        self.heard += 1;
        match message {
            Message::Count => _ = self.world.handled.fetch_add(1, Ordering::Relaxed),
            Message::Trip(at) => {
                let mut at = at.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                if at.is_none() {
                    *at = Some(Instant::now());
                    drop(at);
                    self.world.panicked.fetch_add(1, Ordering::Relaxed);
                    panic!("tripped");
                }
            }
            Message::Tell(tell) => _ = tell.send(Instant::now()),
        }
    }
}

struct Counters(Arc<World>);

impl Factory<Counter> for Counters {
    fn build(&self, _key: &u64, _why: Why) -> Build<Counter> {
        Build::Ready(Counter { world: self.0.clone(), heard: 0 })
    }

    fn dead_letter(&self, _key: &u64, _message: Message, _error: &str) {}
}

fn start(limits: Limits) -> (Runtime, Registry<Counter>, Arc<World>) {
    let shards = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime =
        Runtime::start(shards, Heartbeat::default(), None, tokio::runtime::Handle::current()).unwrap();
    let world = Arc::new(World::default());
    let clock = Arc::new(askpro::app::SystemClock);
    let registry = Registry::start(&runtime, Arc::new(Counters(world.clone())), limits, clock);
    (runtime, registry, world)
}

async fn messages_per_second(count: u64, findings: &mut Findings) -> f64 {
    let (runtime, registry, world) = start(Limits::default());
    for key in 0..ACTORS {
        offer(&registry, key, Message::Count);
    }
    until(&world.handled, ACTORS);
    let since = Instant::now();
    for number in 0..count {
        offer(&registry, number % ACTORS, Message::Count);
    }
    until(&world.handled, ACTORS + count);
    let rate = count as f64 / since.elapsed().as_secs_f64();
    findings.same("messages handled", world.handled.load(Ordering::SeqCst), ACTORS + count);
    findings.same("actors in memory", registry.live_count() as u64, ACTORS);
    runtime.shutdown();
    rate
}

/// Waits where the bounds refuse it.
fn offer(registry: &Registry<Counter>, key: u64, mut message: Message) {
    while let Err(refused) = registry.offer(key, message) {
        message = refused.message;
        std::thread::yield_now();
    }
}

/// Looks often, and lets others work.
pub fn until(handled: &AtomicU64, wanted: u64) {
    while handled.load(Ordering::SeqCst) < wanted {
        std::thread::sleep(Duration::from_micros(50));
    }
}

/// From a panic to the message behind the one that panicked, which is tried again in between; the median.
async fn panic_us(count: u32) -> f64 {
    let (runtime, registry, _world) = start(Limits { restarts_max: usize::MAX, ..Limits::default() });
    let mut times: Vec<Duration> = (0..count)
        .map(|_| {
            let (tell, told) = mpsc::channel();
            let tripped = Arc::new(std::sync::Mutex::new(None));
            offer(&registry, 1, Message::Trip(tripped.clone()));
            offer(&registry, 1, Message::Tell(tell));
            let heard = told.recv().unwrap();
            let at = tripped.lock().unwrap().take().unwrap();
            heard - at
        })
        .collect();
    runtime.shutdown();
    percentile(&mut times, 0.5).as_secs_f64() * 1e6
}
