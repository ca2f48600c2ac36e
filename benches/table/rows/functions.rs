//! Answers to agents whose callers wait: a check out of the mirror, and a booking with its hold and its write-ahead.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use askpro::simulators::calcom::Operation;
use jiff::{ToSpan, civil::Weekday, tz::TimeZone};
use rand::{SeedableRng, rngs::SmallRng};

use crate::{
    args::Args,
    load::{Answer, Flood, Source, head, pace, signature},
    oracle::Findings,
    plain::PlainCall,
    samples::{Samples, ms, percentile},
    service::{COMPANIES, Service},
    support::{self, days::now_ms},
    table::{Goal, Row},
};

/// Calls that check again and again.
const CHECKING_CALLS: u64 = 300;
/// Checks per second.
const CHECKS_PER_S: f64 = 1_000.0;
/// Bookings per second.
const BOOKINGS_PER_S: f64 = 100.0;
/// Half hours of an opening day at which something may begin.
const STARTS_A_DAY: u64 = 22;
/// Until every booking has come to its end, at most.
const SETTLED_WITHIN: std::time::Duration = std::time::Duration::from_secs(60);

pub async fn measure(args: &Args, findings: &mut Findings) -> Vec<Row> {
    let service = Service::start(&args.server).await;
    let (mut checks, mut books) = (Samples::default(), Samples::default());
    let mut seen = [0, 0];
    let runs = u64::from(args.scale.runs);
    for run in 0..runs {
        books.push(book(args, &service, run, findings).await);
        let (p99, [mirror, live]) = check(args, &service, findings).await;
        checks.push(p99);
        seen = [seen[0] + mirror, seen[1] + live];
    }
    settle(&service, runs * args.scale.bookings, findings).await;
    let of_books = async |part: &str| {
        service.series(&format!("askpro_calcom_request_seconds_{part}"), "operation=\"book\"").await
    };
    let (sum, count) = (of_books("sum").await, of_books("count").await);
    let calcom = format!(
        "an upper bound: the whole answer, with the simulated Cal.com's time in it, {:.2} ms in the mean of {count} orders",
        sum / count * 1_000.0
    );
    let rate = format!(
        "{CHECKS_PER_S} checks a second, each for another time; {} answers said mirror, {} live",
        seen[0], seen[1]
    );
    vec![
        Row::new("check_availability from the mirror, p99", "ms", checks)
            .must(Goal::AtMost(5.0))
            .aim(Goal::AtMost(2.0))
            .note(rate),
        Row::new("hold and write-ahead of a booking, p99", "ms", books)
            .must(Goal::AtMost(10.0))
            .aim(Goal::AtMost(5.0))
            .note(calcom),
    ]
}

/// Function calls of many calls to many companies, each about a half hour of its own.
struct Questions {
    function: &'static str,
    calls: Vec<PlainCall>,
    /// Of the first of them.
    first_slot: u64,
    /// Slots of one company that are asked for before they come again.
    slots: u64,
    mirror: AtomicU64,
    live: AtomicU64,
}

impl Questions {
    fn new(function: &'static str, word: &str, calls: u64, first_slot: u64, slots: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(rand::random());
        let calls =
            (0..calls).map(|call| PlainCall::to(&mut rng, word, (call % u64::from(COMPANIES)) as usize));
        Self {
            function,
            calls: calls.collect(),
            first_slot,
            slots,
            mirror: AtomicU64::new(0),
            live: AtomicU64::new(0),
        }
    }

    fn arguments(&self, number: u64) -> String {
        let slot = self.first_slot + number / u64::from(COMPANIES) % self.slots;
        let start = start(slot);
        format!(r#"{{"service":"Haarschnitt","datetime":"{start}","name":"Anna Schmidt"}}"#)
    }
}

impl Source for Questions {
    fn steps(&self) -> u64 {
        1
    }

    fn fill(&self, number: u64, _step: u64, request: &mut Vec<u8>) {
        let call = &self.calls[(number % self.calls.len() as u64) as usize];
        let body = call.function(self.function, &self.arguments(number));
        head(
            &format!("/functions/retell/{}", self.function),
            &signature(body.as_bytes()),
            body.len(),
            request,
        );
        request.extend_from_slice(body.as_bytes());
    }

    /// What was found is another matter: a machine that stands still makes callers wait.
    fn is_right(&self, answer: &Answer) -> bool {
        let view: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match view["confidence"].as_str() {
            Some("mirror") => _ = self.mirror.fetch_add(1, Ordering::Relaxed),
            Some("live") => _ = self.live.fetch_add(1, Ordering::Relaxed),
            _ => {}
        }
        answer.status == 200 && view["success"].is_boolean() && view["code"].is_string()
    }
}

/// The n-th half hour on working days after today, in Berlin.
fn start(slot: u64) -> String {
    let now = jiff::Timestamp::from_millisecond(now_ms()).unwrap();
    let mut day = TimeZone::get("Europe/Berlin").unwrap().to_datetime(now).date();
    for _ in 0..=slot / STARTS_A_DAY {
        day = day.checked_add(1.day()).unwrap();
        while matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            day = day.checked_add(1.day()).unwrap();
        }
    }
    let place = slot % STARTS_A_DAY;
    format!("{day}T{:02}:{:02}", 8 + place / 2, place % 2 * 30)
}

/// The 99th percentile in ms, and how old the answers said they are.
async fn check(args: &Args, service: &Service, findings: &mut Findings) -> (f64, [u64; 2]) {
    // Far from the bookings: nothing is taken here but by each other.
    let questions = Arc::new(Questions::new(
        "check_availability",
        "check",
        CHECKING_CALLS,
        20 * STARTS_A_DAY,
        STARTS_A_DAY,
    ));
    let flow = Flood::start(&service.address, questions.clone(), 0, CHECKING_CALLS).end().await;
    findings.same("answers to first checks that are none", flow.wrong, 0);
    let count = (args.scale.brief.as_secs_f64() * CHECKS_PER_S) as u64;
    let mut paced = pace(&service.address, questions.clone(), CHECKING_CALLS, count, CHECKS_PER_S).await;
    findings.same("answers to checks that are none", (paced.wrong, paced.example.take()), (0, None));
    let seen = [&questions.mirror, &questions.live].map(|count| count.load(Ordering::SeqCst));
    (ms(percentile(&mut paced.times, 0.99)), seen)
}

/// The 99th percentile in ms.
async fn book(args: &Args, service: &Service, run: u64, findings: &mut Findings) -> f64 {
    let companies = u64::from(COMPANIES);
    let slots = args.scale.bookings.div_ceil(companies);
    let first_slot = run * slots;
    // The mirror is there before: what is measured does not wait for slots.
    let days = Questions::new("check_availability", "warm", companies * slots, first_slot, slots);
    let flow = Flood::start(&service.address, Arc::new(days), 0, companies * slots).end().await;
    findings.same("answers to first checks that are none", flow.wrong, 0);
    let orders = Arc::new(Questions::new("book_appointment", "book", args.scale.bookings, first_slot, slots));
    let mut paced = pace(&service.address, orders, 0, args.scale.bookings, BOOKINGS_PER_S).await;
    findings.same("answers to bookings that are none", (paced.wrong, paced.example.take()), (0, None));
    ms(percentile(&mut paced.times, 0.99))
}

/// Every booking has come to its end, at Cal.com as in the tables, and no two of them overlap.
async fn settle(service: &Service, booked: u64, findings: &mut Findings) {
    let open = "appointments WHERE status NOT IN ('confirmed', 'refused', 'abandoned')";
    support::within(SETTLED_WITHIN, "every booking has come to its end", async || {
        (service.tables.count(open).await == 0).then_some(())
    })
    .await;
    service.drained(findings).await;
    let confirmed = service.tables.count("appointments WHERE status = 'confirmed'").await;
    findings.same("bookings at Cal.com", service.calcom.bookings().len() as u64, confirmed);
    findings.same(
        "orders sent to Cal.com",
        service.calcom.requests(Some(Operation::Create)).len() as u64,
        confirmed,
    );
    findings.same("overlaps", service.calcom.overlaps().len(), 0);
    findings.same("bookings confirmed", confirmed, booked);
}
