//! The faults, in the order of the table.

mod calendar;
mod clock;
mod crash;
mod database;
mod disk;
mod handover;
mod overload;
pub mod poison;
mod race;
mod restart;
mod simulation;

use std::{future::Future, pin::Pin, time::Duration};

use crate::{
    home::Kind,
    judge::{Posts, judge},
    process::Process,
    table::Row,
    traffic::Traffic,
    world::World,
};

/// The longest answer of a function at the real size: the budget of 2.5 s, and what a machine that is busy with
/// everything else takes beyond it.
const WAIT_MAX: Duration = Duration::from_secs(4);
/// From the end of a fault until all is well again, at most.
const RECOVERS_WITHIN: Duration = Duration::from_secs(120);

/// How large a course is.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Everything at its real size; else a short form of the same.
    pub full: bool,
    pub seed: u64,
}

impl Scale {
    /// The full size, or the short one.
    pub fn of<T>(self, full: T, short: T) -> T {
        if self.full { full } else { short }
    }

    /// Callers at the same time.
    pub fn callers(self) -> usize {
        self.of(40, 12)
    }

    /// The databases of a course: all, or MariaDB alone.
    pub fn kinds(self) -> Vec<Kind> {
        if self.full { Kind::ALL.to_vec() } else { vec![Kind::MariaDb] }
    }
}

/// A course of a fault; it gives a row for each database.
type Course = Pin<Box<dyn Future<Output = Vec<Row>>>>;

/// One kind of trouble.
pub struct Fault {
    /// In snake case, as a test runner shows it.
    pub name: &'static str,
    /// One line.
    pub about: &'static str,
    pub play: fn(Scale) -> Course,
}

/// All of them; the simulations are a test of their own in the short form.
pub fn all(full: bool) -> Vec<Fault> {
    let mut all = Vec::new();
    all.extend(crash::faults());
    all.extend(restart::faults());
    all.extend(database::faults());
    all.extend(calendar::faults());
    all.extend(disk::faults());
    all.extend(clock::faults());
    all.extend(handover::faults());
    all.extend(poison::faults());
    all.extend(overload::faults());
    all.extend(race::faults());
    if full {
        all.extend(simulation::faults());
    }
    all
}

/// Shortens `Fault { … play: |scale| Box::pin(course(scale)) }`.
macro_rules! fault {
    ($name:literal, $about:literal, $course:expr) => {
        $crate::faults::Fault { name: $name, about: $about, play: |scale| Box::pin($course(scale)) }
    };
}
use fault;

/// Ends the traffic, waits for rest and compares.
async fn settle(fault: &str, world: &World, process: &Process, traffic: Traffic, posts: Posts) -> Row {
    let untaken = traffic.end().await;
    let mut findings = judge(world, process, posts).await;
    let figures = world.line.ledger.figures();
    let calls = world.line.ledger.calls_begun();
    let mut notes = vec![format!(
        "{calls} calls, {} requests, refused {:?}, unanswered {}, not taken by any of Retell's attempts {untaken}",
        figures.sent, figures.refused, figures.unanswered
    )];
    let booked = world.calcom.bookings().len();
    if booked == 0 || figures.acknowledged == 0 {
        findings
            .wrong
            .push("nothing was booked, or nothing acknowledged: this course shows nothing".to_owned());
    }
    notes.push(format!("{booked} bookings at Cal.com; {}", codes(&figures)));
    if figures.writes_unheard + figures.reads_unheard > 0 {
        notes.push(format!(
            "functions without an answer, however often they were asked for: {} that write, {} that read",
            figures.writes_unheard, figures.reads_unheard
        ));
    }
    Row { untaken, notes, ..Row::of(fault, world.kind.name(), 1, figures, findings) }
}

fn codes(figures: &crate::ledger::Figures) -> String {
    let codes = figures.codes.iter().filter(|(name, _)| name.starts_with("book_appointment"));
    codes
        .map(|(name, times)| format!("{} {times}", name.trim_start_matches("book_appointment ")))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Nobody was kept waiting or turned away. In the short form, on a machine that is busy with other tests, whatever
/// was refused must have come in with one of Retell's further attempts.
fn all_were_served(scale: Scale, row: &mut Row) {
    let refused: u64 = row.figures.refused.values().sum();
    if scale.full && refused + row.figures.unanswered > 0 {
        let told = format!("refused {:?}, unanswered {}", row.figures.refused, row.figures.unanswered);
        row.findings.wrong.push(format!("not everything was answered: {told}"));
    }
    all_taken(row);
}

/// No function was answered later than this, at the real size.
fn nobody_waited(longest: Duration, scale: Scale, row: &mut Row) {
    if scale.full && row.figures.worst_function > longest {
        row.findings.wrong.push(format!("a caller waited {:.1?}", row.figures.worst_function));
    }
}

/// Whatever was refused came in with one of Retell's further attempts.
fn all_taken(row: &mut Row) {
    if row.untaken > 0 {
        row.findings
            .wrong
            .push(format!("{} events were never taken, however often they were sent", row.untaken));
    }
}

/// Waits until the service is well again and has caught up with a load of so many callers.
async fn recovers(process: &Process, callers: usize) -> Duration {
    let since = std::time::Instant::now();
    let few = 8 * callers as u64;
    loop {
        let seen = process.seen().await;
        if seen.as_ref().is_some_and(|seen| seen.status == "ready" && seen.outstanding <= few) {
            return since.elapsed();
        }
        assert!(
            since.elapsed() < RECOVERS_WITHIN,
            "{seen:?} after {RECOVERS_WITHIN:?}: {}",
            process.last_words()
        );
        crate::world::pass(0.02).await;
    }
}
