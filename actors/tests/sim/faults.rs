//! What goes wrong in a day, when, and for how long. A seed decides.

use askpro_actors::{rig::Rig, runtime::Dice};
use askpro_domain::{ids::CompanyId, time::UnixMillis};

use crate::{requests::Requests, weather::Weather};

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The calendar of one company, or of all.
    Foul(Option<CompanyId>, Weather),
    /// The database answers nothing.
    DatabaseAway,
    /// Commits hang.
    CommitsHang,
    /// Reads hang.
    ReadsHang,
    /// Commits are done and nobody hears so.
    CommitAnswersLost(usize),
    /// The next commits panic.
    CommitsPanic(usize),
    /// The next look at the companies panics, whoever looks.
    LookPanics,
    /// The database refuses a row for good.
    RowRefused,
    /// What is written is not on disk until this ends.
    DiskSlow,
    /// The journal takes nothing.
    JournalFull,
    /// The journal takes this many records more, then nothing.
    JournalFullAfter(usize),
    /// Everything in the journal lies in old segments.
    JournalAges,
    /// Retell's own API is away.
    VoiceDown,
    /// The process dies, and the next one takes over.
    Crash,
}

/// A fault with its time.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    pub(crate) from: UnixMillis,
    pub(crate) until: UnixMillis,
    pub(crate) fault: Fault,
}

/// The faults of a day.
pub(crate) fn plan(companies: &[CompanyId], rings: &[UnixMillis], dice: &mut Dice) -> Vec<Trouble> {
    let count = dice.below(16);
    let mut troubles: Vec<Trouble> = (0..count)
        .map(|_| {
            let fault = roll(companies, dice);
            // Just when somebody has begun to speak.
            let from = dice.pick(rings).map_or(UnixMillis(0), |ring| ring.plus_ms(dice.between(0, 15_000)));
            let until = from.plus_ms(fault.lasts_ms(dice));
            Trouble { from, until, fault }
        })
        .collect();
    let crashes: Vec<Trouble> = troubles.iter().filter_map(crash_of).collect();
    troubles.extend(crashes);
    troubles.sort_by_key(|trouble| trouble.from);
    troubles
}

/// Half of all processes whose disk is slow die before it is not any more: what waits for the disk is lost.
fn crash_of(slow: &Trouble) -> Option<Trouble> {
    let dies = slow.fault == Fault::DiskSlow && slow.until.since(slow.from) % 4 > 1;
    dies.then(|| Trouble { from: slow.until.plus_ms(-1), fault: Fault::Crash, ..slow.clone() })
}

fn roll(companies: &[CompanyId], dice: &mut Dice) -> Fault {
    match dice.below(24) {
        0..6 => {
            let one = dice.pick(companies).copied().filter(|_| dice.percent(60));
            Fault::Foul(one, Weather::foul(dice))
        }
        6 | 7 => Fault::DatabaseAway,
        8 => Fault::CommitsHang,
        9 => Fault::ReadsHang,
        10 => Fault::CommitAnswersLost(1 + dice.below(3)),
        11 => Fault::CommitsPanic(1),
        12 | 13 => Fault::LookPanics,
        14 => Fault::JournalFull,
        15 => Fault::JournalFullAfter(dice.below(20)),
        16 => Fault::JournalAges,
        17 => Fault::VoiceDown,
        18 => Fault::RowRefused,
        19 => Fault::DiskSlow,
        _ => Fault::Crash,
    }
}

impl Fault {
    fn lasts_ms(&self, dice: &mut Dice) -> i64 {
        match self {
            // Some of them longer than any agent waits.
            Self::DiskSlow => {
                let ms = dice.between(50, 1_500);
                if ms % 5 == 0 { ms * 5 } else { ms }
            }
            _ if dice.percent(50) => dice.between(200, 20_000),
            _ => dice.between(20_000, 180_000),
        }
    }

    /// Whether a turn may panic by it.
    pub(crate) const fn panics(&self) -> bool {
        match self {
            Self::LookPanics | Self::CommitsPanic(_) => true,
            Self::Foul(_, weather) => weather.panics > 0,
            _ => false,
        }
    }

    /// Begins, where the rig alone is needed.
    pub(crate) fn begin(&self, rig: &Rig, calendar: &Requests, companies: &[CompanyId]) {
        match self {
            Self::Foul(whose, weather) => set_weather(calendar, *whose, companies, *weather),
            Self::DatabaseAway => rig.database.set_away(true),
            Self::CommitsHang => rig.database.commits.close(),
            Self::ReadsHang => rig.database.reads.close(),
            Self::CommitAnswersLost(commits) => rig.database.lose_answers(*commits),
            Self::CommitsPanic(commits) => rig.database.panic_next(*commits),
            Self::LookPanics => rig.directory.panic_next(1),
            Self::JournalFull => rig.journal.set_full(true),
            Self::JournalFullAfter(records) => rig.journal.set_room(*records),
            Self::JournalAges => rig.journal.age(),
            Self::VoiceDown => rig.voice.set_down(true),
            Self::DiskSlow => rig.journal.syncs.close(),
            Self::Crash | Self::RowRefused => {}
        }
    }

    /// Ends.
    pub(crate) fn end(&self, rig: &Rig, calendar: &Requests, companies: &[CompanyId]) {
        match self {
            Self::Foul(whose, _) => set_weather(calendar, *whose, companies, Weather::FAIR),
            Self::DatabaseAway => rig.database.set_away(false),
            Self::CommitsHang => rig.database.commits.open(),
            Self::ReadsHang => rig.database.reads.open(),
            Self::JournalFull | Self::JournalFullAfter(_) => rig.journal.set_full(false),
            Self::VoiceDown => rig.voice.set_down(false),
            Self::LookPanics => rig.directory.panic_next(0),
            Self::CommitsPanic(_) => rig.database.panic_next(0),
            Self::DiskSlow => rig.journal.sync(),
            Self::CommitAnswersLost(_) | Self::JournalAges | Self::Crash | Self::RowRefused => {}
        }
    }
}

fn set_weather(calendar: &Requests, whose: Option<CompanyId>, companies: &[CompanyId], weather: Weather) {
    let mut outside = calendar.outside();
    let whose = whose.map_or_else(|| companies.to_vec(), |one| vec![one]);
    outside.weather.extend(whose.into_iter().map(|company| (company, weather)));
}
