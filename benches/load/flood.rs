//! As much as goes through: so many callers, each sending as soon as it was answered, on one thread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

use super::{PAUSE, Source, Wire};

/// Callers at the same time. All rivals have as many.
pub const CONNECTIONS: usize = 128;
/// What went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    /// Calls of which every request was taken.
    pub calls: u64,
    /// Requests answered as they must be.
    pub acknowledged: u64,
    /// Answered with 503, or not at all; sent again.
    pub refused: u64,
    /// Answered in any other way.
    pub wrong: u64,
}

#[derive(Default)]
struct Counts {
    next: AtomicU64,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    wrong: AtomicU64,
    stop: AtomicBool,
}

/// A flood that is running.
pub struct Flood {
    counts: Arc<Counts>,
    thread: JoinHandle<()>,
    first: u64,
}

impl Flood {
    /// Begins with call `first`, and ends by itself before call `end`.
    pub fn start(address: &str, source: Arc<dyn Source>, first: u64, end: u64) -> Self {
        let counts = Arc::new(Counts { next: AtomicU64::new(first), ..Counts::default() });
        let (shared, address) = (counts.clone(), address.to_owned());
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let callers: Vec<_> = (0..CONNECTIONS)
                    .map(|_| tokio::spawn(call(Wire::new(&address), source.clone(), shared.clone(), end)))
                    .collect();
                for caller in callers {
                    caller.await.unwrap();
                }
            });
        };
        let thread = std::thread::Builder::new().name("flood".to_owned()).spawn(run).unwrap();
        Self { counts, thread, first }
    }

    /// Requests acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.counts.acknowledged.load(Ordering::SeqCst)
    }

    /// No new calls; gives what went through when those under way are.
    pub async fn stop(self) -> Flow {
        self.counts.stop.store(true, Ordering::SeqCst);
        self.end().await
    }

    /// Gives what went through when all calls are.
    pub async fn end(self) -> Flow {
        let Self { counts, thread, first } = self;
        tokio::task::spawn_blocking(move || thread.join()).await.unwrap().unwrap();
        let figure = |count: &AtomicU64| count.load(Ordering::SeqCst);
        Flow {
            calls: figure(&counts.next) - first,
            acknowledged: figure(&counts.acknowledged),
            refused: figure(&counts.refused),
            wrong: figure(&counts.wrong),
        }
    }
}

async fn call(mut wire: Wire, source: Arc<dyn Source>, counts: Arc<Counts>, end: u64) {
    let mut request = Vec::new();
    while !counts.stop.load(Ordering::Relaxed) {
        let next = counts
            .next
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |next| (next < end).then_some(next + 1));
        let Ok(number) = next else { return };
        for step in 0..source.steps() {
            bring(&mut wire, &*source, &counts, &mut request, (number, step)).await;
        }
    }
}

/// Sends it until it is taken: what was begun is finished, so whoever counts knows what must be there.
async fn bring(
    wire: &mut Wire,
    source: &dyn Source,
    counts: &Counts,
    request: &mut Vec<u8>,
    (number, step): (u64, u64),
) {
    loop {
        source.fill(number, step, request);
        match wire.send(request).await {
            Some(answer) if answer.status != 503 => {
                let count = if source.is_right(&answer) { &counts.acknowledged } else { &counts.wrong };
                count.fetch_add(1, Ordering::SeqCst);
                return;
            }
            _ => counts.refused.fetch_add(1, Ordering::SeqCst),
        };
        tokio::time::sleep(PAUSE).await;
    }
}
