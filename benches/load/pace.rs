//! At a rate, whether or not the other side keeps up: a latency counts from when a request was due.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, mpsc};

use super::{PAUSE, Source, Wire};

/// Requests under way at most; further ones wait, which counts.
const CONNECTIONS: usize = 64;

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Paced {
    /// Of what was answered as it must be.
    pub times: Vec<Duration>,
    /// Answered with 503, or not at all; sent again at once, and the time goes on.
    pub refused: u64,
    /// Answered in any other way.
    pub wrong: u64,
    /// One of the wrong answers.
    pub example: Option<String>,
}

/// Sends `calls` calls of `source` from `first` on, so many requests per second, over [`CONNECTIONS`] at most.
pub async fn pace(address: &str, source: Arc<dyn Source>, first: u64, calls: u64, rate: f64) -> Paced {
    let (hand_over, due) = mpsc::unbounded_channel();
    let steps = source.steps();
    let address = address.to_owned();
    // One thread that watches the time and one that sends: timers of a runtime are good to a millisecond only.
    let watch = std::thread::spawn(move || {
        let begin = Instant::now();
        for number in 0..calls * steps {
            let at = begin + Duration::from_secs_f64(number as f64 / rate);
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if hand_over.send((first + number / steps, number % steps, at)).is_err() {
                return;
            }
        }
    });
    let send = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let due = Arc::new(Mutex::new(due));
            let hands: Vec<_> = (0..CONNECTIONS)
                .map(|_| tokio::spawn(hand(Wire::new(&address), source.clone(), due.clone())))
                .collect();
            let mut all = Paced::default();
            for hand in hands {
                all.add(hand.await.unwrap());
            }
            all
        })
    });
    tokio::task::spawn_blocking(move || {
        let paced = send.join().unwrap();
        watch.join().unwrap();
        paced
    })
    .await
    .unwrap()
}

type Due = Arc<Mutex<mpsc::UnboundedReceiver<(u64, u64, Instant)>>>;

async fn hand(mut wire: Wire, source: Arc<dyn Source>, due: Due) -> Paced {
    let (mut paced, mut request) = (Paced::default(), Vec::new());
    loop {
        let next = due.lock().await.recv().await;
        let Some((call, step, at)) = next else { return paced };
        let answer = loop {
            source.fill(call, step, &mut request);
            match wire.send(&request).await {
                Some(answer) if answer.status != 503 => break answer,
                _ => paced.refused += 1,
            }
            tokio::time::sleep(PAUSE).await;
        };
        if source.is_right(&answer) {
            paced.times.push(at.elapsed());
        } else {
            paced.wrong += 1;
            let text = String::from_utf8_lossy(&answer.body);
            paced.example = Some(format!("{} {text}", answer.status));
        }
    }
}

impl Paced {
    fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.refused += other.refused;
        self.wrong += other.wrong;
        self.example = self.example.take().or(other.example);
    }
}
