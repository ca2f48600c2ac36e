//! What is going on, once a second: drawn over itself on a terminal, as lines elsewhere.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IsTerminal, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::admin::{AdminClient, Figures};
use crate::cli::own_service::OwnService;
use crate::cli::settings;
use crate::simulators::calcom::{Booking, BookingStatus};
use crate::simulators::retell::{Dialer, DialerCounters};

/// Happenings that are shown.
const HAPPENINGS_MAX: usize = 8;

/// See the module.
#[derive(Debug)]
pub(super) struct Screen {
    admin: AdminClient,
    is_terminal: bool,
    lines_drawn: usize,
    happenings: VecDeque<String>,
    bookings_seen: usize,
    cancelled_seen: usize,
    answers_seen: BTreeMap<String, u64>,
}

impl Screen {
    /// For the service that `admin` asks.
    pub(super) fn new(admin: AdminClient) -> Self {
        Self {
            admin,
            is_terminal: io::stdout().is_terminal(),
            lines_drawn: 0,
            happenings: VecDeque::new(),
            bookings_seen: 0,
            cancelled_seen: 0,
            answers_seen: BTreeMap::new(),
        }
    }

    /// Draws the present state.
    pub(super) async fn draw(&mut self, service: &OwnService, dialer: &Dialer) {
        let counters = dialer.counters();
        let figures = self.admin.metrics().await.unwrap_or_default();
        let ready = if self.admin.is_ready().await { "ready" } else { "not ready" };
        let happenings = self.look(&service.calcom.bookings(), &counters);
        let lines = [state(ready, &figures, &counters), bookings(&figures)];
        let mut out = io::stdout().lock();
        // A closed pipe must not end the demo.
        let _ = self.write(&mut out, &lines, &happenings);
    }

    fn write(&mut self, out: &mut impl Write, lines: &[String], happenings: &[String]) -> io::Result<()> {
        if !self.is_terminal {
            for line in lines.iter().chain(happenings) {
                writeln!(out, "{line}")?;
            }
            return out.flush();
        }
        self.happenings.extend(happenings.iter().cloned());
        while self.happenings.len() > HAPPENINGS_MAX {
            self.happenings.pop_front();
        }
        if self.lines_drawn > 0 {
            write!(out, "\x1b[{}A", self.lines_drawn)?;
        }
        self.lines_drawn = lines.len() + self.happenings.len();
        for line in lines.iter().chain(&self.happenings) {
            writeln!(out, "\x1b[2K{line}")?;
        }
        out.flush()
    }

    /// What has happened since the last look.
    fn look(&mut self, bookings: &[Booking], counters: &DialerCounters) -> Vec<String> {
        let clock = wall_clock(settings::now_ms(), "UTC", "%H:%M:%S");
        let new = bookings.iter().skip(self.bookings_seen);
        let mut happenings: Vec<String> =
            new.map(|booking| format!("  {clock}  {}", booked(booking))).collect();
        self.bookings_seen = bookings.len();
        let cancelled = bookings.iter().filter(|booking| booking.status == BookingStatus::Cancelled).count();
        if cancelled > self.cancelled_seen {
            happenings.push(format!("  {clock}  cancelled at Cal.com: {}", cancelled - self.cancelled_seen));
        }
        self.cancelled_seen = cancelled;
        for (answer, count) in &counters.function_answers {
            let more = count - self.answers_seen.get(answer).copied().unwrap_or(0);
            if more > 0 {
                happenings.push(format!("  {clock}  {answer} x{more}"));
            }
        }
        self.answers_seen.clone_from(&counters.function_answers);
        happenings
    }
}

fn state(ready: &str, figures: &Figures, counters: &DialerCounters) -> String {
    let gauge = |name: &str| figures.sum(name).map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"));
    format!(
        "{ready}  calls live {}  begun {}  through {}  acked {}  refused {}  unanswered {}  holds {}  to commit {}",
        gauge("askpro_calls_live"),
        counters.calls_started,
        counters.calls_finished,
        counters.acknowledged,
        counters.refused,
        counters.unanswered,
        gauge("askpro_holds_active"),
        gauge("askpro_journal_unapplied_events"),
    )
}

fn bookings(figures: &Figures) -> String {
    let outcomes: Vec<String> = figures
        .by_label("askpro_bookings_total", "outcome")
        .into_iter()
        .filter(|(_, count)| *count > 0.0)
        .map(|(outcome, count)| format!("{outcome} {count:.0}"))
        .collect();
    format!("bookings  {}", if outcomes.is_empty() { "none yet".to_owned() } else { outcomes.join("  ") })
}

fn booked(booking: &Booking) -> String {
    let starts = wall_clock(booking.start_ms, &booking.attendee.time_zone, "%a %d.%m. %H:%M");
    format!("booked at Cal.com: {}, event type {}, {starts}", booking.company, booking.event_type_id)
}

fn wall_clock(at_ms: i64, zone: &str, format: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let zoned = Timestamp::from_millisecond(at_ms).map(|at| at.to_zoned_datetime(zone));
    zoned.map(|at| at.strftime(format).to_string()).unwrap_or_default()
}
