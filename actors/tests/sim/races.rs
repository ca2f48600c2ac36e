//! Races for the last free units of a day: several calls of one company want the same time, of a pool, of its
//! members by name, and of another service of the same people. A seed decides who does what, in which order the
//! messages are delivered, how long the calendar takes and what it loses.
//!
//! However it goes: no unit is sold twice, everybody is answered in time and hears what is true, no hold is left,
//! and what is still free afterwards can be had by the next who calls. Where nothing goes wrong somebody wins, and
//! whoever was told that a slot is theirs gets it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use askpro_actors::runtime::Dice;
use askpro_domain::{function::FunctionName, tenant::Company, time::Interval};
use serde_json::Value;

use crate::{
    calendar::{Booked, Calendar, EventType},
    callers::{Caller, Next, Racer},
    companies::{self, FIRST_DAY},
    faults::Fault,
    invariants,
    ledger::{Kind, Violation},
    panics,
    report::Totals,
    weather::Weather,
    world::{Act, World},
};

/// When the last units are, in minutes of the day: two starts whose slots overlap.
const MINUTES: [i64; 2] = [14 * 60, 14 * 60 + 15];
const STAFF: [&str; 3] = ["Udo", "Mia", "Eva"];
/// How long a race takes to come to rest.
const REST_MS: i64 = 200_000;
/// How old a view of the calendar is that nobody answers from.
const VIEWS_MS: i64 = 70_000;
/// How long actors stay after their last word.
const LINGER_MS: i64 = 30_000;

/// A race, as it can be replayed and shortened.
#[derive(Debug, Clone)]
pub(crate) struct Race {
    pub(crate) seed: u64,
    pool: Pool,
    /// Hosts who are booked elsewhere already.
    busy: usize,
    overlaps: bool,
    racers: Vec<Racer>,
    moves: Vec<Move>,
}

/// Which members of the pool have a type of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pool {
    NobodyHas,
    EverybodyHas,
    OneHasNot,
    Alone,
}

/// What happens next.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Move {
    Check(usize),
    Book(usize),
    BookByName(usize),
    Again(usize),
    HangUp(usize),
    /// What was sent so far is delivered, and some time passes.
    Pass(i64),
    Weather(Weather),
    /// The disk takes so long.
    SlowDisk(i64),
    Crash,
}

impl Race {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let pool = [Pool::NobodyHas, Pool::EverybodyHas, Pool::OneHasNot, Pool::Alone][dice.below(4)];
        let overlaps = dice.percent(30);
        let count = 2 + dice.below(5);
        let racers = (0..count).map(|_| racer(overlaps, &mut dice)).collect();
        let is_fair = dice.percent(40);
        let moves = (0..count * 5).map(|_| one_move(count, is_fair, &mut dice)).collect();
        Self { seed, pool, busy: dice.below(3), overlaps, racers, moves }
    }

    /// Whether a call wants somebody by name who is busy, or does not serve here.
    fn wants_the_busy(&self, call: &str) -> bool {
        let hosts = hosts(self.pool);
        let free = &STAFF[self.busy.min(hosts - 1)..hosts];
        let number = call.strip_prefix("r_").and_then(|number| number.parse::<usize>().ok());
        let staff = number.and_then(|number| self.racers.get(number)?.staff.as_deref());
        staff.is_some_and(|staff| !free.contains(&staff))
    }

    fn is_fair(&self) -> bool {
        !self.moves.iter().any(|one| matches!(one, Move::Weather(_) | Move::SlowDisk(_) | Move::Crash))
    }
}

fn racer(overlaps: bool, dice: &mut Dice) -> Racer {
    Racer {
        service: usize::from(dice.percent(30)),
        staff: dice.pick(&STAFF).map(|name| (*name).to_owned()).filter(|_| dice.percent(40)),
        minute: MINUTES[if overlaps { dice.below(2) } else { 0 }],
        names_tool_calls: dice.percent(80),
    }
}

fn one_move(racers: usize, is_fair: bool, dice: &mut Dice) -> Move {
    let who = dice.below(racers);
    match dice.below(if is_fair { 30 } else { 38 }) {
        0..8 => Move::Check(who),
        8..13 => Move::Book(who),
        13..17 => Move::BookByName(who),
        17 | 18 => Move::Again(who),
        19 => Move::HangUp(who),
        20..25 => Move::Pass(dice.between(0, 400)),
        25..29 => Move::Pass(dice.between(300, 3_000)),
        29 => Move::Pass(dice.between(3_000, 20_000)),
        30..35 => Move::Weather(Weather::foul(dice)),
        35 | 36 => Move::SlowDisk(dice.between(50, 3_000)),
        _ => Move::Crash,
    }
}

/// What came of a race.
pub(crate) struct Finish {
    pub(crate) totals: Totals,
    pub(crate) violations: Vec<Violation>,
}

/// Runs a race.
pub(crate) fn run(race: &Race, prints: bool) -> Finish {
    panics::forget();
    let ran = catch_unwind(AssertUnwindSafe(|| run_unguarded(race, prints)));
    let mut finish = ran.unwrap_or_else(|_| Finish {
        totals: Totals { races: 1, ..Totals::default() },
        violations: vec![Violation { kind: Kind::Untrue, what: "the race itself panicked".to_owned() }],
    });
    let unplanned = panics::unplanned().into_iter();
    finish.violations.extend(unplanned.map(|what| Violation { kind: Kind::Untrue, what }));
    finish
}

fn run_unguarded(race: &Race, prints: bool) -> Finish {
    let company = company(race.pool);
    let mut calendar = Calendar::default();
    offer(&mut calendar, &company, race);
    let mut world = World::of(vec![company], calendar, Dice::new(race.seed ^ 0xace));
    world.agents_think = false;
    if prints {
        println!("{race:#?}");
        world.requests.outside().course.print();
    }
    for (number, racer) in race.racers.iter().enumerate() {
        let caller = Caller::racer(number, &world.shops[0], racer, world.today);
        world.callers.push(caller);
    }
    race.moves.iter().for_each(|one| make(&mut world, *one));
    come_to_rest(&mut world);
    if race.is_fair() {
        check_fair(&mut world, race);
    }
    invariants::check(&mut world);
    if world.ledger.violations.is_empty() {
        sell_the_rest(&mut world, race);
    }
    finish(world)
}

fn make(world: &mut World, one: Move) {
    match one {
        Move::Check(who) => ask(world, who, FunctionName::CheckAvailability, false),
        Move::Book(who) => ask(world, who, FunctionName::BookAppointment, false),
        Move::BookByName(who) => ask(world, who, FunctionName::BookAppointment, true),
        Move::Again(who) => {
            let tool_call = world.callers[who].last_asked.as_ref().and_then(|asked| asked.2.clone());
            world.ask_again(who, tool_call.as_deref());
        }
        Move::HangUp(who) => world.hang_up(who),
        Move::Pass(ms) => world.run_until(world.now().plus_ms(ms)),
        Move::Weather(weather) => {
            let company = world.shops[0].id;
            world.begin(&Fault::Foul(Some(company), weather));
        }
        Move::SlowDisk(ms) => {
            world.begin(&Fault::DiskSlow);
            world.in_ms(ms, Act::End(Fault::DiskSlow));
        }
        Move::Crash => world.crash(),
    }
}

fn ask(world: &mut World, who: usize, function: FunctionName, by_name_alone: bool) {
    if world.callers[who].is_over {
        return;
    }
    let mut dice = world.dice.fork();
    let next = world.callers[who].race(function, by_name_alone, &mut dice);
    if let Next::Ask { function, arguments, tool_call } = next {
        world.ask(who, function, arguments, tool_call, false);
    }
}

/// Everything works, everybody hangs up, and nothing goes on any more.
fn come_to_rest(world: &mut World) {
    world.run_until(world.now().plus_ms(1));
    world.rig.heal();
    world.requests.outside().weather.clear();
    world.run_until(world.now().plus_ms(5_000));
    (0..world.callers.len()).for_each(|who| world.hang_up(who));
    world.run_until(world.now().plus_ms(REST_MS));
    for _ in 0..1_200 {
        if world.rig.journal.outstanding().is_empty() && world.rig.actors.writers.is_idle() {
            break;
        }
        world.run_until(world.now().plus_ms(1_000));
    }
    world.run_until(world.now().plus_ms(LINGER_MS));
}

/// Where nothing went wrong, whoever was offered a slot and took it has it, and nobody hears that the last one is
/// taken that nobody has. What a pool's order may take: a member whom somebody else is just booking by name, for it
/// is the calendar that picks.
fn check_fair(world: &mut World, race: &Race) {
    let (pooled, named): (Vec<Booked>, Vec<Booked>) = {
        let outside = world.requests.outside();
        let ours = outside.calendar.bookings().iter().filter(|booked| booked.order.is_some()).cloned();
        ours.partition(|booked| booked.event_type_id == POOL_TYPE && hosts(race.pool) > 1)
    };
    let refused = world.heard.iter().filter(|heard| heard.status() == Some("refused") && pooled.is_empty());
    let mut complaints: Vec<String> =
        refused.map(|heard| format!("{} was refused what it held: {}", heard.call, heard.answer)).collect();
    let sold = pooled.len() + named.len();
    let was_held = world.heard.iter().any(|heard| heard.code() == "available");
    if sold == 0 && !was_held {
        let denied =
            world.heard.iter().filter(|heard| ["slot_taken", "nothing_free"].contains(&heard.code()));
        let denied = denied.filter(|heard| !race.wants_the_busy(&heard.call));
        complaints.extend(
            denied.map(|heard| format!("{} heard that nothing is free: {}", heard.call, heard.answer)),
        );
    }
    complaints.into_iter().for_each(|what| world.ledger.complain(Kind::Lost, what));
}

/// The next who call get what is left, one after the other, until nothing is.
fn sell_the_rest(world: &mut World, race: &Race) {
    let wish = |number| Racer { service: 0, staff: None, minute: MINUTES[0], names_tool_calls: number > 0 };
    for number in 0..=STAFF.len() {
        world.run_until(world.now().plus_ms(VIEWS_MS));
        let who = world.callers.len();
        let racer = Caller::racer(race.racers.len() + number, &world.shops[0], &wish(number), world.today);
        world.callers.push(racer);
        ask(world, who, FunctionName::BookAppointment, false);
        world.run_until(world.now().plus_ms(3_000));
        let is_sold = world.callers[who].heard.as_deref() == Some("confirmed");
        world.hang_up(who);
        world.run_until(world.now().plus_ms(60_000));
        if !is_sold {
            break;
        }
    }
    world.run_until(world.now().plus_ms(LINGER_MS));
    let start = companies::at(FIRST_DAY, MINUTES[0]);
    let left = Interval::new(start, start.plus_ms(30 * 60_000)).map(|interval| {
        let outside = world.requests.outside();
        outside.calendar.free_hosts(POOL_TYPE, interval)
    });
    if left.as_ref().is_some_and(|left| !left.is_empty()) {
        world.ledger.complain(Kind::Lost, format!("{left:?} are free, and nobody can have them"));
    }
    invariants::check(world);
}

fn finish(mut world: World) -> Finish {
    let totals = Totals {
        races: 1,
        calls: world.callers.len() as u64,
        acknowledged: world.ledger.acknowledged.len() as u64,
        answers: world.ledger.answers,
        bookings: world.requests.outside().calendar.bookings().iter().filter(|b| b.order.is_some()).count()
            as u64,
        crashes: world.crashes,
        ..Totals::default()
    };
    world.rig.universe.forgive_leaks();
    Finish { totals, violations: std::mem::take(&mut world.ledger.violations) }
}

/// Event type of the pool; its members' own follow it.
const POOL_TYPE: i64 = 2_000;
/// Event types of the other service, each of one member.
const OTHER_TYPE: i64 = 3_000;

fn hosts(pool: Pool) -> usize {
    if pool == Pool::Alone { 1 } else { STAFF.len() }
}

/// A company whose pool is like this, and whose other service is each member's own.
fn company(pool: Pool) -> Company {
    let has_own = |member: usize| match pool {
        Pool::NobodyHas | Pool::Alone => false,
        Pool::EverybodyHas => true,
        Pool::OneHasNot => member > 0,
    };
    let members = 0..hosts(pool);
    let slug = |member: usize| STAFF[member].to_lowercase();
    let own = |base: i64, member: usize| serde_json::json!({"slug": slug(member), "calcom_event_type_id": base + 1 + member as i64});
    let of_pool: Vec<Value> = members
        .clone()
        .map(|member| if has_own(member) { own(POOL_TYPE, member) } else { Value::from(slug(member)) })
        .collect();
    let others: Vec<Value> = members.clone().map(|member| own(OTHER_TYPE, member)).collect();
    let staff: Vec<Value> = members
        .map(|member| serde_json::json!({"slug": slug(member), "name": STAFF[member], "calcom_user_id": 900 + member}))
        .collect();
    let file = serde_json::json!({"companies": [{
    "slug": "laden", "name": "Laden", "time_zone": "Europe/Berlin", "language": "de",
    "branches": [{"slug": "mitte", "name": "Mitte", "phone_numbers": ["+493083793369"], "agents": ["agent_a1"]}],
    "staff": staff,
    "services": [
        {"slug": "schnitt", "name": "Herrenhaarschnitt", "duration_minutes": 30,
         "calcom_event_type_id": POOL_TYPE, "staff": of_pool},
        {"slug": "massage", "name": "Massage", "duration_minutes": 45, "staff": others},
    ]}]});
    let mut companies = askpro_domain::tenant::parse_import(&file).expect("a company").companies;
    companies.remove(0)
}

/// The calendar offers the two starts alone, and some members are busy then.
fn offer(calendar: &mut Calendar, company: &Company, race: &Race) {
    let count = if race.overlaps { 2 } else { 1 };
    let starts: std::collections::BTreeSet<_> =
        MINUTES[..count].iter().map(|minute| companies::at(FIRST_DAY, *minute)).collect();
    let members: Vec<i64> = (0..hosts(race.pool)).map(|member| 900 + member as i64).collect();
    let event_type =
        |hosts: Vec<i64>, minutes| EventType { company: company.id, hosts, minutes, starts: starts.clone() };
    calendar.offer(POOL_TYPE, event_type(members.clone(), 30));
    for (place, host) in (1_i64..).zip(members.iter()) {
        calendar.offer(POOL_TYPE + place, event_type(vec![*host], 30));
        calendar.offer(OTHER_TYPE + place, event_type(vec![*host], 45));
    }
    let now = companies::at(FIRST_DAY, 7 * 60);
    for place in 1..=race.busy.min(members.len() - 1) {
        calendar.book_outside(OTHER_TYPE + place as i64, companies::at(FIRST_DAY, MINUTES[0]), now);
    }
}

/// The shortest course of a race that still fails.
pub(crate) fn shorten(race: &Race) -> Race {
    let fails = |race: &Race| !run(race, false).violations.is_empty();
    let mut shortest = race.clone();
    let mut chunk = shortest.moves.len().div_ceil(2);
    while chunk > 0 {
        let mut from = 0;
        while from < shortest.moves.len() {
            let mut shorter = shortest.clone();
            let to = (from + chunk).min(shorter.moves.len());
            shorter.moves.drain(from..to);
            if fails(&shorter) {
                shortest = shorter;
            } else {
                from += chunk;
            }
        }
        chunk /= 2;
    }
    shortest
}
