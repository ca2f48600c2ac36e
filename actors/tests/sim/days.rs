//! Whole days of many companies, each decided by a seed: minutes to hours of calls and faults, then everything works
//! again, comes to rest and is compared.

use std::panic::{AssertUnwindSafe, catch_unwind};

use askpro_actors::runtime::Dice;
use jiff::ToSpan;

use crate::{
    companies, faults, invariants,
    ledger::{Kind, Violation},
    panics,
    report::Totals,
    world::{Act, World},
};

/// How large a world is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) companies: usize,
    pub(crate) calls_a_day: usize,
    pub(crate) days: usize,
}

/// How long callers call in a day, at least and at most: the shorter, the more at once.
const CALLING_MS: (i64, i64) = (6 * 60_000, 60 * 60_000);
/// One day in so many is as long as a salon is open.
const LONG_DAY_IN: usize = 10;
/// How long callers call on it.
const LONG_DAY_MS: i64 = 10 * 3_600_000;
/// Seconds within which everything must have come to rest.
const REST_WITHIN_S: usize = 1_500;
/// How long calls may be silent before Retell is asked for them, and some more.
const SILENT_MS: i64 = 3 * 3_600_000;
/// How long actors stay after their last word.
const LINGER_MS: i64 = 30_000;

impl Size {
    /// What a seed decides.
    fn of(dice: &mut Dice) -> Self {
        match dice.below(4) {
            0 => Self { companies: 5 + dice.below(16), calls_a_day: 150 + dice.below(150), days: 1 },
            1 => Self { companies: 2, calls_a_day: 40, days: 3 },
            _ => Self { companies: 3 + dice.below(6), calls_a_day: 40 + dice.below(80), days: 2 },
        }
    }
}

/// What came of one seed.
pub(crate) struct Outcome {
    pub(crate) totals: Totals,
    pub(crate) violations: Vec<Violation>,
    pub(crate) hash: u64,
}

/// Lives the days of a seed.
pub(crate) fn live(seed: u64, prints: bool) -> Outcome {
    panics::forget();
    let lived = catch_unwind(AssertUnwindSafe(|| live_unguarded(seed, prints)));
    let mut outcome = lived.unwrap_or_else(|_| Outcome {
        totals: Totals { seeds: 1, ..Totals::default() },
        violations: vec![Violation { kind: Kind::Untrue, what: "the world itself panicked".to_owned() }],
        hash: 0,
    });
    let unplanned = panics::unplanned().into_iter();
    outcome.violations.extend(unplanned.map(|what| Violation { kind: Kind::Untrue, what }));
    outcome
}

fn live_unguarded(seed: u64, prints: bool) -> Outcome {
    let mut dice = Dice::new(seed ^ 0x5eed);
    let size = Size::of(&mut dice);
    let mut world = World::new(seed, &size);
    if prints {
        world.requests.outside().course.print();
    }
    for day in 0..size.days {
        live_a_day(&mut world, day, &size, &mut dice);
        if !world.ledger.violations.is_empty() {
            break;
        }
    }
    finish(world)
}

fn live_a_day(world: &mut World, day: usize, size: &Size, dice: &mut Dice) {
    world.today = companies::FIRST_DAY + i64::try_from(day).unwrap_or(0).days();
    let begins = companies::at(world.today, 8 * 60);
    let calling_ms =
        if dice.below(LONG_DAY_IN) == 0 { LONG_DAY_MS } else { dice.between(CALLING_MS.0, CALLING_MS.1) };
    world.run_until(begins);
    let rings: Vec<_> = (0..size.calls_a_day).map(|_| begins.plus_ms(dice.between(0, calling_ms))).collect();
    rings.iter().for_each(|at| world.plan_call(*at));
    for _ in 0..size.calls_a_day / 40 {
        world.plan_stranger(begins.plus_ms(dice.between(0, calling_ms)));
    }
    for _ in 0..size.calls_a_day / 8 {
        let (at, shop) = (begins.plus_ms(dice.between(0, calling_ms)), dice.below(world.shops.len()));
        let act = match dice.below(10) {
            0..6 => Act::BookOutside(shop),
            6..8 => Act::CancelAtCalendar(shop),
            _ => Act::MoveAtCalendar(shop),
        };
        world.at(at, act);
    }
    let troubles = faults::plan(&world.company_ids(), &rings, dice);
    world.plan_troubles(troubles);
    world.run_until(begins.plus_ms(calling_ms));
    rest(world);
    invariants::check(world);
}

/// Everything works again and comes to its end.
fn rest(world: &mut World) {
    world.rig.heal();
    world.disk_is_slow = false;
    world.requests.outside().weather.clear();
    for _ in 0..REST_WITHIN_S {
        world.run_until(world.now().plus_ms(1_000));
        if world.rig.journal.outstanding().is_empty() && world.rig.actors.writers.is_idle() {
            break;
        }
    }
    world.run_until(world.now().plus_ms(SILENT_MS));
    world.run_until(world.now().plus_ms(LINGER_MS));
}

fn finish(mut world: World) -> Outcome {
    let totals = Totals {
        seeds: 1,
        calls: world.callers.len() as u64,
        acknowledged: world.ledger.acknowledged.len() as u64,
        answers: world.ledger.answers,
        bookings: world.requests.outside().calendar.bookings().iter().filter(|b| b.order.is_some()).count()
            as u64,
        crashes: world.crashes,
        ..Totals::default()
    };
    let rows = format!("{:?}", world.rig.database.tables());
    let now = world.now();
    let hash = {
        let mut outside = world.requests.outside();
        outside.course.note(now, format_args!("{rows}"));
        outside.course.hash()
    };
    let violations = std::mem::take(&mut world.ledger.violations);
    world.rig.universe.forgive_leaks();
    Outcome { totals, violations, hash }
}
