//! Reads from a service what the oracle compares, and gives it time to finish what it still has to do.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use tokio::time::{Instant, sleep};

use super::{CalcomBooking, SentCall, StoredCall, Verdict, judge};
use crate::cli::admin::{AdminClient, ReadError, read_calcom_bookings};

/// Up to so many calls every one is compared; of more, so many picked by chance.
const CALLS_CHECKED_MAX: usize = 20_000;
/// Questions to the service at the same time.
const QUESTIONS_MAX: usize = 16;
/// How often one question is asked before it counts as unanswered.
const ATTEMPTS_MAX: u32 = 5;
/// Between two looks at what was not right yet, and between attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// Whom the oracle asks.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Source {
    /// The service.
    pub(in crate::cli) admin: AdminClient,
    /// Where the simulated Cal.com is, if there is one.
    pub(in crate::cli) calcom_url: Option<String>,
}

/// Compares `sent` with what the service has. What is wrong at first or still open is looked at again until it
/// is right or `patience` is over: a service works behind its answers. `seed` picks the sample.
pub(in crate::cli) async fn examine(
    source: &Source,
    mut sent: Vec<SentCall>,
    seed: u64,
    patience: Duration,
) -> Result<Verdict, ReadError> {
    let calls = sent.len();
    if calls > CALLS_CHECKED_MAX {
        sent.shuffle(&mut SmallRng::seed_from_u64(seed));
        sent.truncate(CALLS_CHECKED_MAX);
    }
    let end = Instant::now() + patience;
    let mut stored = HashMap::with_capacity(sent.len());
    let mut wanted: Vec<String> = sent.iter().map(|call| call.call_id.clone()).collect();
    loop {
        read_calls(source, wanted, &mut stored).await?;
        let calcom = read_calcom(source).await?;
        let verdict = Verdict { calls, ..judge(&sent, &stored, calcom.as_deref()) };
        let is_final = verdict.is_sound() && verdict.appointments_open == 0;
        if is_final || Instant::now() >= end {
            return Ok(verdict);
        }
        wanted = unfinished(&verdict, &stored);
        sleep(PAUSE).await;
    }
}

/// The calls that may look different at the next look.
fn unfinished(verdict: &Verdict, stored: &HashMap<String, StoredCall>) -> Vec<String> {
    let faulty = verdict.faults.iter().filter_map(|fault| fault.call_id().map(str::to_owned));
    let is_open = |call: &StoredCall| {
        call.appointments.iter().any(|appointment| super::bookings::is_open(&appointment.status))
    };
    let open = stored.iter().filter(|(_, call)| is_open(call)).map(|(call_id, _)| call_id.clone());
    faulty.chain(open).collect::<HashSet<_>>().into_iter().collect()
}

async fn read_calls(
    source: &Source,
    wanted: Vec<String>,
    stored: &mut HashMap<String, StoredCall>,
) -> Result<(), ReadError> {
    let questions = wanted.into_iter().map(|call_id| async {
        let found = read_call(source, &call_id).await;
        (call_id, found)
    });
    let mut answers = stream::iter(questions).buffer_unordered(QUESTIONS_MAX);
    while let Some((call_id, found)) = answers.next().await {
        if let Some(call) = found? {
            stored.insert(call_id, call);
        }
    }
    Ok(())
}

async fn read_call(source: &Source, call_id: &str) -> Result<Option<StoredCall>, ReadError> {
    let mut attempts = 1;
    loop {
        match source.admin.find_call(call_id).await {
            Err(error) if attempts < ATTEMPTS_MAX && is_passing(&error) => {
                tracing::debug!(%error, "asking again");
                attempts += 1;
                sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

/// Whether the same question may be answered later.
fn is_passing(error: &ReadError) -> bool {
    match error {
        ReadError::Unanswered { .. } | ReadError::NotReady { .. } => true,
        ReadError::Status { status, .. } => *status >= 500 || *status == 429,
    }
}

async fn read_calcom(source: &Source) -> Result<Option<Vec<CalcomBooking>>, ReadError> {
    match &source.calcom_url {
        Some(url) => read_calcom_bookings(url).await,
        None => Ok(None),
    }
}
