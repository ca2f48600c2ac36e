//! The three ledgers side by side: what was acknowledged and told, what stands at Cal.com, what the database has.

mod bodies;
mod outcomes;
mod process;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use askpro::{
    providers::calcom::{METADATA_APPOINTMENT, METADATA_CALL},
    simulators::calcom::{Booking, BookingStatus, Operation, Origin, RequestRecord},
};

pub use process::{dropped, gave_up_nothing, stood_still};

use crate::{
    companies,
    ledger::{SentCall, Told},
    process::Process,
    support::database::Tables,
    world::World,
};

/// How long everything open may take to come to its end: three looks at Cal.com for a lost answer, up to three
/// further posts of what was promised, each with its looks.
const REST_WITHIN: Duration = Duration::from_secs(200);
/// Findings of one kind that are told one by one.
const TOLD_MAX: usize = 12;

/// What must not be.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Acknowledged, and not in the database.
    pub lost: Vec<String>,
    /// In the database, or at Cal.com, more than once.
    pub doubled: Vec<String>,
    /// Everything else.
    pub wrong: Vec<String>,
}

impl Findings {
    pub fn is_sound(&self) -> bool {
        self.lost.is_empty() && self.doubled.is_empty() && self.wrong.is_empty()
    }

    pub fn add(&mut self, others: Self) {
        self.lost.extend(others.lost);
        self.doubled.extend(others.doubled);
        self.wrong.extend(others.wrong);
    }

    /// The first of each kind.
    pub fn all(&self) -> Vec<String> {
        let kinds = [("lost", &self.lost), ("doubled", &self.doubled), ("wrong", &self.wrong)];
        let told = kinds.into_iter().flat_map(|(kind, all)| {
            let more = all.len().saturating_sub(TOLD_MAX);
            let rest = (more > 0).then(|| format!("{kind}: and {more} more"));
            all.iter().take(TOLD_MAX).map(move |one| format!("{kind}: {one}")).chain(rest)
        });
        told.collect()
    }
}

/// How often one order may reach Cal.com's booking address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posts {
    /// Once: Cal.com was well all the time. Again only where it gave the host of a pool away in the same moment.
    Once,
    /// Again where Cal.com had proved, or three looks had shown, that nothing was booked: never once it was.
    AsNeeded,
}

/// Waits until nothing is under way any more, then compares.
pub async fn judge(world: &World, process: &Process, posts: Posts) -> Findings {
    let mut findings = Findings::default();
    let tables = world.tables().await;
    let announced = world.calcom.acknowledged_webhooks();
    process::outlived(process, &world.line.ledger.calls(), &mut findings).await;
    if let Err(open) = rests(&tables, process).await {
        findings.wrong.push(format!("not at rest after {REST_WITHIN:?}: {open}"));
    }
    let calls = world.line.ledger.calls();
    events(&tables, &calls, &mut findings).await;
    states(&tables, &calls, &mut findings).await;
    bodies::bodies(&tables, &calls, &mut findings).await;
    let rows = read_appointments(&tables).await;
    appointments(world, &tables, &calls, &rows, posts, &mut findings).await;
    announcements(announced, &tables, &mut findings).await;
    process::holds(process, &rows, &mut findings).await;
    gave_up_nothing(process, &mut findings).await;
    for (table, what) in [("dead_letters", "a dead letter"), ("quarantine", "a quarantined event")] {
        let there = tables.count(table).await;
        if there > 0 {
            findings.wrong.push(format!("{what}, {there} times"));
        }
    }
    findings
}

/// Nothing open, nothing held, nobody on the line, everything committed.
async fn rests(tables: &Tables, process: &Process) -> Result<(), String> {
    let since = Instant::now();
    loop {
        let open = what_is_open(tables, process).await;
        let Some(open) = open else { return Ok(()) };
        if since.elapsed() > REST_WITHIN {
            return Err(open);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn what_is_open(tables: &Tables, process: &Process) -> Option<String> {
    let Some(seen) = process.seen().await else { return Some("nobody answers".to_owned()) };
    if seen.outstanding > 0 {
        return Some(format!("{} journaled events are not committed", seen.outstanding));
    }
    for figure in ["askpro_calls_live", "askpro_holds_active"] {
        let now = process.metric(figure).await;
        if now != 0.0 {
            return Some(format!("{figure} is {now}"));
        }
    }
    let open =
        tables.count("appointments WHERE status IN ('submitted', 'pending_confirmation', 'unknown')").await;
    (open > 0).then(|| format!("{open} appointments are open"))
}

/// How many rows there are of each event of each call.
pub async fn event_rows(tables: &Tables) -> BTreeMap<(String, String), u64> {
    rows_of_pairs(tables, "call_id, event", "FROM call_events").await
}

/// How many rows there are of each pair of these two columns.
async fn rows_of_pairs(tables: &Tables, columns: &str, from: &str) -> BTreeMap<(String, String), u64> {
    let mut rows = BTreeMap::new();
    for row in tables.rows(columns, from).await {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let [first, second] = std::array::from_fn(|_| cells.next().unwrap_or_default());
        *rows.entry((first, second)).or_default() += 1;
    }
    rows
}

/// Every acknowledged event is there once; `transcript_updated` may be missing, but not be doubled.
async fn events(tables: &Tables, calls: &BTreeMap<String, SentCall>, findings: &mut Findings) {
    let rows = event_rows(tables).await;
    for (call_id, call) in calls {
        for (name, event) in &call.events {
            let times = rows.get(&(call_id.clone(), name.clone())).copied().unwrap_or_default();
            if times == 0 && event.acknowledged && name != "transcript_updated" {
                findings.lost.push(format!("{name} of {call_id}"));
            }
            if times > 1 {
                findings.doubled.push(format!("{name} of {call_id}, {times} rows"));
            }
        }
    }
}

/// Every announcement of Cal.com's that was acknowledged is there once.
async fn announcements(announced: Vec<(String, &'static str)>, tables: &Tables, findings: &mut Findings) {
    let rows = rows_of_pairs(tables, "booking_uid, event", "FROM calendar_events").await;
    for (uid, event) in announced {
        match rows.get(&(uid.clone(), event.to_owned())) {
            None => findings.lost.push(format!("{event} of {uid}")),
            Some(1) => {}
            Some(times) => findings.doubled.push(format!("{event} of {uid}, {times} rows")),
        }
    }
}

/// Every call whose events are all there is in the state they say, in its own company.
async fn states(tables: &Tables, calls: &BTreeMap<String, SentCall>, findings: &mut Findings) {
    let columns = "c.call_id, c.status, s.slug";
    let mut rows: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for row in tables.rows(columns, "FROM calls c JOIN companies s ON s.id = c.company_id").await {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let [call, status, slug] = std::array::from_fn(|_| cells.next().unwrap_or_default());
        rows.entry(call).or_default().push((status, slug));
    }
    for (call_id, call) in calls {
        let is_whole = call
            .expected
            .events
            .iter()
            .all(|event| call.events.get(*event).is_some_and(|event| event.acknowledged));
        if !is_whole {
            continue;
        }
        let expected = (call.expected.status.to_owned(), companies::slug(call.company));
        match rows.get(call_id).map(Vec::as_slice) {
            Some([is]) if *is == expected => {}
            other => findings.wrong.push(format!("{call_id} must be {expected:?} and is {other:?}")),
        }
    }
}

/// An appointment's row.
struct Appointment {
    call_id: String,
    status: String,
    uid: Option<String>,
    slug: String,
    starts_at_ms: i64,
}

async fn read_appointments(tables: &Tables) -> BTreeMap<String, Appointment> {
    let columns = "a.id, a.call_id, a.status, a.calcom_uid, s.slug, a.starts_at";
    let rows = tables.rows(columns, "FROM appointments a JOIN companies s ON s.id = a.company_id").await;
    let read = |row: Vec<Option<String>>| {
        let mut cells = row.into_iter();
        let mut text = || cells.next().flatten();
        let (id, call_id, status) = (text()?, text()?, text()?);
        let (uid, slug, starts_at_ms) = (text(), text()?, text()?.parse().ok()?);
        Some((id, Appointment { call_id, status, uid, slug, starts_at_ms }))
    };
    rows.into_iter().filter_map(read).collect()
}

async fn appointments(
    world: &World,
    tables: &Tables,
    calls: &BTreeMap<String, SentCall>,
    rows: &BTreeMap<String, Appointment>,
    posts: Posts,
    findings: &mut Findings,
) {
    let bookings = world.calcom.bookings();
    let ours: Vec<&Booking> = bookings.iter().filter(|booking| booking.origin == Origin::Api).collect();
    let mut by_order: BTreeMap<&str, Vec<&Booking>> = BTreeMap::new();
    for booking in &ours {
        let text =
            |name: &str| booking.metadata.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        let (order, call) = (text(METADATA_APPOINTMENT), text(METADATA_CALL));
        by_order.entry(order).or_default().push(booking);
        let row = rows.get(order);
        let is_known = row.is_some_and(|row| {
            row.call_id == call && row.slug == booking.company && row.uid.as_ref() == Some(&booking.uid)
        });
        if row.is_none() {
            findings.lost.push(format!("booking {} of {call} has no appointment", booking.uid));
        }
        let stands = booking.status == BookingStatus::Accepted;
        if stands && !(is_known && row.is_some_and(|row| row.status == "confirmed")) {
            let status = row.map(|row| row.status.as_str());
            findings
                .wrong
                .push(format!("booking {} of {call} stands, its appointment is {status:?}", booking.uid));
        }
    }
    for (order, bookings) in by_order.iter().filter(|(_, bookings)| bookings.len() > 1) {
        findings.doubled.push(format!("order {order} has {} bookings", bookings.len()));
    }
    untrue(calls, rows, &ours, findings);
    let asked_back: BTreeSet<String> =
        tables.texts("call_id", "FROM callbacks WHERE call_id IS NOT NULL").await.into_iter().collect();
    callbacks(tables, calls, rows, findings).await;
    outcomes::outcomes(tables, calls, rows, &asked_back, findings).await;
    posted_again(world, &ours, posts, findings);
    for overlap in world.calcom.overlaps() {
        let (first, second) = (&overlap.first, &overlap.second);
        findings.doubled.push(format!("host {} is sold to {} and {}", first.host_id, first.uid, second.uid));
    }
    notices(tables, rows, findings).await;
}

/// What agents were told last, and confirmed rows without a booking.
fn untrue(
    calls: &BTreeMap<String, SentCall>,
    rows: &BTreeMap<String, Appointment>,
    ours: &[&Booking],
    findings: &mut Findings,
) {
    let standing: BTreeSet<&str> = ours
        .iter()
        .filter(|booking| booking.status == BookingStatus::Accepted)
        .map(|booking| booking.uid.as_str())
        .collect();
    for (id, row) in rows.iter().filter(|(_, row)| row.status == "confirmed") {
        if !row.uid.as_deref().is_some_and(|uid| standing.contains(uid)) {
            findings.wrong.push(format!("appointment {id} is confirmed and nothing stands at Cal.com"));
        }
    }
    for (call_id, call) in calls {
        for (id, told) in &call.told {
            match rows.get(id) {
                Some(row) if *told < Told::Confirmed || row.status == "confirmed" => {
                    if row.call_id != *call_id {
                        findings.wrong.push(format!(
                            "appointment {id} was told to {call_id}, its row names {}",
                            row.call_id
                        ));
                    }
                }
                row => {
                    let status = row.map(|row| row.status.as_str());
                    findings.lost.push(format!(
                        "appointment {id} was told to {call_id} as {told:?} and is {status:?}"
                    ));
                }
            }
        }
    }
}

/// Every callback that was told is there; so is one for each appointment that was promised and did not come.
async fn callbacks(
    tables: &Tables,
    calls: &BTreeMap<String, SentCall>,
    rows: &BTreeMap<String, Appointment>,
    findings: &mut Findings,
) {
    let keys = tables.texts("idempotency_key", "FROM callbacks").await;
    let of: BTreeSet<&str> = keys.iter().filter_map(|key| Some(key.split_once(':')?.1)).collect();
    for (call_id, call) in calls {
        for id in call.callbacks.iter().filter(|id| !of.contains(id.as_str())) {
            findings.lost.push(format!("callback {id:?} was told to {call_id}"));
        }
    }
    for (id, row) in rows.iter().filter(|(_, row)| row.status != "confirmed") {
        let was_promised = calls.get(&row.call_id).is_some_and(|call| call.told.contains_key(id));
        if was_promised && !of.contains(id.as_str()) {
            findings
                .lost
                .push(format!("appointment {id} was promised, is {}, and nobody calls back", row.status));
        }
    }
}

/// Complete looks in vain before an order is posted again whose answer was lost.
const LOOKS_BEFORE_POST: usize = 3;

/// Races for a host that an order loses: the first, and three more.
const RACES_MAX: usize = 4;

fn posted_again(world: &World, ours: &[&Booking], allowed: Posts, findings: &mut Findings) {
    let pools: BTreeSet<i64> = world.calcom.pools().into_iter().collect();
    let lost_race = |post: &RequestRecord| {
        post.status == Some(409) && post.event_type_id.is_some_and(|id| pools.contains(&id))
    };
    let mut looks = world.calcom.requests(Some(Operation::List));
    looks.retain(|look| look.status == Some(200));
    let mut posts: BTreeMap<String, Vec<RequestRecord>> = BTreeMap::new();
    for post in world.calcom.requests(Some(Operation::Create)) {
        let order = post.metadata.get(METADATA_APPOINTMENT).and_then(|value| value.as_str());
        posts.entry(order.unwrap_or_default().to_owned()).or_default().push(post);
    }
    for (order, posts) in &posts {
        let raced = posts.iter().filter(|post| lost_race(post)).count();
        let blind = posts.windows(2).filter(|pair| is_blind(&pair[0], &pair[1], &looks)).count();
        if allowed == Posts::Once && posts.len() - raced > 1 {
            findings.doubled.push(format!("order {order} was posted {} times", posts.len() - raced));
        }
        if blind > 0 {
            findings
                .doubled
                .push(format!("order {order} was posted again {blind} times without being looked for"));
        }
        if raced > RACES_MAX {
            findings.doubled.push(format!("order {order} lost {raced} races for a host"));
        }
    }
    for booking in ours {
        let order = booking.metadata.get(METADATA_APPOINTMENT).and_then(|value| value.as_str());
        let posts = order.and_then(|order| posts.get(order)).map_or(&[][..], Vec::as_slice);
        if let Some(post) = posts.iter().find(|post| post.at_ms > booking.created_ms) {
            let late_ms = post.at_ms - booking.created_ms;
            findings.doubled.push(format!("order {order:?} was posted {late_ms} ms after it was booked"));
        }
    }
}

/// Whether nothing proved that a POST made nothing before its order was posted again: no refusal, and fewer than three
/// answered looks at the company's bookings. Whose look it was the log does not tell.
fn is_blind(post: &RequestRecord, again: &RequestRecord, looks: &[RequestRecord]) -> bool {
    let is_proved =
        post.status.is_some_and(|status| (400..500).contains(&status) && ![408, 425, 499].contains(&status));
    let since = looks.iter().filter(|look| {
        (post.at_ms..=again.at_ms).contains(&look.at_ms) && look.key_suffix == again.key_suffix
    });
    !is_proved && since.count() < LOOKS_BEFORE_POST
}

/// One notice for each confirmed booking, and none without.
async fn notices(tables: &Tables, rows: &BTreeMap<String, Appointment>, findings: &mut Findings) {
    let with = |status: &str| rows.values().filter(|row| row.status == status).count() as u64;
    let told = tables.count("outbox WHERE kind = 'booking_confirmed'").await;
    let (confirmed, cancelled) = (with("confirmed"), with("cancelled"));
    if told < confirmed {
        findings.lost.push(format!("{confirmed} bookings are confirmed and {told} notices are written"));
    }
    if told > confirmed + cancelled {
        findings.doubled.push(format!("{told} notices for {confirmed} confirmed bookings"));
    }
}
