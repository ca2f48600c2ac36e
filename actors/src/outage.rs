//! Outages of the database: whoever writes to it or reads from it all the time says how it went, and each outage
//! is told once, from its beginning to its end. A database that is away must not fill the log.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use askpro_domain::time::UnixMillis;

/// How often an outage that lasts is told again.
const TOLD_EVERY_MS: i64 = 60_000;

/// Who noticed. An outage is over when it is over for everybody who noticed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Witness {
    /// A writer, by its number.
    Writer(usize),
    /// Whoever saves the journal's mark.
    Mark,
    /// Whoever prolongs the lease.
    Lease,
    /// Whoever looks for imports.
    Imports,
}

/// Whether the database is away, and since when. Shared behind an `Arc`.
#[derive(Debug, Default)]
pub struct Outage(Mutex<State>);

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Over,
    Lasts {
        since: UnixMillis,
        told_at: UnixMillis,
        witnesses: BTreeSet<Witness>,
    },
}

/// What is worth a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Began,
    LastsFor { ms: i64 },
    EndedAfter { ms: i64 },
}

impl Outage {
    /// The database did not do what this witness asked.
    pub fn failed(&self, witness: Witness, error: &str, now: UnixMillis) {
        let news = self.state().fail(witness, now);
        match news {
            Some(News::Began) => {
                tracing::warn!(?witness, error, "the database does not answer; events wait in the journal")
            }
            Some(News::LastsFor { ms }) => {
                tracing::warn!(?witness, error, duration_ms = ms, "the database still does not answer");
            }
            Some(News::EndedAfter { .. }) | None => {
                tracing::debug!(?witness, error, "the database does not answer");
            }
        }
    }

    /// The database did what this witness asked.
    pub fn works(&self, witness: Witness, now: UnixMillis) {
        if let Some(News::EndedAfter { ms }) = self.state().work(witness, now) {
            tracing::info!(duration_ms = ms, "the database answers again");
        }
    }

    /// Whether it is away now.
    #[must_use]
    pub fn lasts(&self) -> bool {
        *self.state() != State::Over
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn fail(&mut self, witness: Witness, now: UnixMillis) -> Option<News> {
        match self {
            Self::Over => {
                *self = Self::Lasts { since: now, told_at: now, witnesses: BTreeSet::from([witness]) };
                Some(News::Began)
            }
            Self::Lasts { since, told_at, witnesses } => {
                witnesses.insert(witness);
                if now.0 - told_at.0 < TOLD_EVERY_MS {
                    return None;
                }
                *told_at = now;
                Some(News::LastsFor { ms: now.0 - since.0 })
            }
        }
    }

    fn work(&mut self, witness: Witness, now: UnixMillis) -> Option<News> {
        let Self::Lasts { since, witnesses, .. } = self else { return None };
        let noticed = witnesses.remove(&witness);
        if !noticed || !witnesses.is_empty() {
            return None;
        }
        let ms = now.0 - since.0;
        *self = Self::Over;
        Some(News::EndedAfter { ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_when_it_begins_once_a_minute_and_when_it_ends() {
        let mut state = State::default();
        let second = |s: i64| UnixMillis(s * 1_000);
        let mut told = Vec::new();
        for s in 0..=150 {
            let witness = [Witness::Mark, Witness::Writer(0), Witness::Lease][(s % 3) as usize];
            told.extend(state.fail(witness, second(s)).map(|news| (s, news)));
        }
        let lasts = |s: i64| (s, News::LastsFor { ms: s * 1_000 });
        assert_eq!(told, [(0, News::Began), lasts(60), lasts(120)]);
        assert_eq!(state.work(Witness::Mark, second(151)), None);
        assert_eq!(state.work(Witness::Lease, second(152)), None);
        assert_eq!(state.work(Witness::Writer(0), second(153)), Some(News::EndedAfter { ms: 153_000 }));
        assert_eq!(state, State::Over);
        assert_eq!(state.work(Witness::Writer(0), second(154)), None);
        assert_eq!(state.fail(Witness::Writer(0), second(155)), Some(News::Began), "the next one is news");
    }

    #[test]
    fn who_noticed_nothing_does_not_end_it() {
        let outage = Outage::default();
        outage.failed(Witness::Writer(1), "away", UnixMillis(5));
        outage.works(Witness::Imports, UnixMillis(6));
        assert!(outage.lasts());
        outage.works(Witness::Writer(1), UnixMillis(7));
        assert!(!outage.lasts());
    }
}
