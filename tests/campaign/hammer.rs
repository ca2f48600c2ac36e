//! Callers without pause: as many requests as go through, for courses that compare how many that are.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::SmallRng};

use crate::{ledger::OF_NO_USE, plain::PlainCall, support::days::slot, wire::Wire};

/// What a hammering came to.
#[derive(Debug, Clone, Default)]
pub struct Blows {
    /// Webhooks answered 204.
    pub acknowledged: u64,
    /// Everything else, and functions whose agent is to ask again.
    pub refused: u64,
    /// Of events and functions alike.
    times: Vec<Duration>,
    /// Slowest of all, also of what was refused or not answered.
    pub worst: Duration,
    pub seconds: f64,
}

impl Blows {
    pub fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.seconds
    }

    pub fn p99(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times.get(times.len() * 99 / 100).copied().unwrap_or_default()
    }
}

/// Calls of four requests each (`call_started`, `list_services`, `check_availability`, `call_ended`) over so many
/// connections.
pub async fn hammer(address: &str, connections: usize, companies: usize, seconds: f64, seed: u64) -> Blows {
    let stop = Arc::new(AtomicBool::new(false));
    let since = Instant::now();
    let hands: Vec<_> = (0..connections)
        .map(|hand| {
            let (mut wire, stop) = (Wire::new(address), stop.clone());
            let day = slot(9, 0).local[..10].to_owned();
            let mut rng = SmallRng::seed_from_u64(seed.wrapping_mul(7_919).wrapping_add(hand as u64));
            tokio::spawn(async move {
                let mut blows = Blows::default();
                while !stop.load(Ordering::Relaxed) {
                    let call = PlainCall::new(&mut rng, "call", companies);
                    blows.strike(&mut wire, "/webhooks/retell", &call.started(), 204).await;
                    let services = call.function("list_services", "{}");
                    blows.strike(&mut wire, "/functions/retell/list_services", &services, 200).await;
                    let (half, hour) = (rng.random_range(0..2) * 30, rng.random_range(8..18));
                    let wish =
                        format!(r#"{{"service":"Haarschnitt","datetime":"{day}T{hour:02}:{half:02}"}}"#);
                    let free = call.function("check_availability", &wish);
                    blows.strike(&mut wire, "/functions/retell/check_availability", &free, 200).await;
                    blows.strike(&mut wire, "/webhooks/retell", &call.ended(&mut rng, 2_000), 204).await;
                }
                blows
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    stop.store(true, Ordering::Relaxed);
    let mut all = Blows { seconds: since.elapsed().as_secs_f64(), ..Blows::default() };
    for hand in hands {
        let blows = hand.await.unwrap();
        all.acknowledged += blows.acknowledged;
        all.refused += blows.refused;
        all.times.extend(blows.times);
        all.worst = all.worst.max(blows.worst);
    }
    all
}

impl Blows {
    async fn strike(&mut self, wire: &mut Wire, path: &str, body: &str, wanted: u16) {
        let since = Instant::now();
        let answer = wire.post(path, body.as_bytes()).await;
        let took = since.elapsed();
        self.worst = self.worst.max(took);
        match answer {
            Some(answer) if answer.status == wanted && !is_of_no_use(&answer.body) => {
                self.acknowledged += u64::from(wanted == 204);
                self.times.push(took);
            }
            _ => self.refused += 1,
        }
    }
}

/// Whether an answer of a function tells nothing; webhooks are answered without a body.
fn is_of_no_use(body: &[u8]) -> bool {
    let answer: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    answer.is_some_and(|answer| answer["code"].as_str().is_some_and(|code| OF_NO_USE.contains(&code)))
}
