//! (c): a task for each call and a bounded channel to it. No panic is caught, nobody is kept from taking all the
//! time, nothing is bounded together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tokio::sync::mpsc::{self, error::TrySendError};

use crate::{oracle::Findings, rows::until};

/// Messages that may wait for a task; the runtime's actors have as many.
const MAILBOX_MAX: usize = 1_024;

/// Messages handled per second by so many tasks on as many threads as there are cores.
pub fn messages_per_second(tasks: u64, count: u64, findings: &mut Findings) -> f64 {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build().unwrap();
    let handled = Arc::new(AtomicU64::new(0));
    let mailboxes: Vec<mpsc::Sender<u64>> = (0..tasks)
        .map(|_| {
            let (mailbox, mut messages) = mpsc::channel(MAILBOX_MAX);
            let handled = handled.clone();
            runtime.spawn(async move {
                let mut heard = 0_u64;
                while let Some(message) = messages.recv().await {
                    heard = std::hint::black_box(heard + message);
                    handled.fetch_add(1, Ordering::Relaxed);
                }
            });
            mailbox
        })
        .collect();
    mailboxes.iter().for_each(offer);
    until(&handled, tasks);
    let since = Instant::now();
    for number in 0..count {
        offer(&mailboxes[(number % tasks) as usize]);
    }
    until(&handled, tasks + count);
    let rate = count as f64 / since.elapsed().as_secs_f64();
    findings.same("messages handled by tasks", handled.load(Ordering::SeqCst), tasks + count);
    drop(mailboxes);
    runtime.shutdown_background();
    rate
}

/// Waits where there is no room.
fn offer(mailbox: &mpsc::Sender<u64>) {
    while let Err(TrySendError::Full(_)) = mailbox.try_send(1) {
        std::thread::yield_now();
    }
}
