//! Answers of the last minutes: Retell asks again when it did not hear one, and must hear the same.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use askpro_domain::{
    ids::{CallId, CompanyId},
    time::UnixMillis,
};
use bytes::Bytes;

/// How long an answer is kept: four attempts of ten seconds each, and as much again.
const KEPT_MS: i64 = 120_000;
/// Answers kept at most; the oldest go first.
const KEPT_MAX: usize = 20_000;

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    /// Whose call it will be.
    pub(super) company: CompanyId,
    /// Call or chat.
    pub(super) kind: &'static str,
    /// Its id.
    pub(super) call_id: CallId,
}

/// The answers; a new one remembers nothing.
#[derive(Default)]
pub struct InboundMemory(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    answers: HashMap<Asked, Bytes>,
    /// In the order in which they were given.
    since: VecDeque<(UnixMillis, Asked)>,
}

impl InboundMemory {
    /// The answer that was given to this question, or what `decide` says; and whether it was given before. Two who
    /// ask the same at the same time hear the same.
    pub(super) fn once(
        &self,
        asked: Asked,
        now: UnixMillis,
        decide: impl FnOnce() -> Bytes,
    ) -> (Bytes, bool) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.forget(now);
        if let Some(answer) = kept.answers.get(&asked) {
            return (answer.clone(), true);
        }
        let answer = decide();
        kept.answers.insert(asked.clone(), answer.clone());
        kept.since.push_back((now, asked));
        (answer, false)
    }
}

impl Kept {
    fn forget(&mut self, now: UnixMillis) {
        let is_old = |at: UnixMillis| now.since(at) >= KEPT_MS;
        while let Some((_, asked)) =
            self.since.pop_front_if(|(at, _)| is_old(*at)).or_else(|| self.beyond_the_limit())
        {
            self.answers.remove(&asked);
        }
    }

    fn beyond_the_limit(&mut self) -> Option<(UnixMillis, Asked)> {
        if self.since.len() < KEPT_MAX { None } else { self.since.pop_front() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_420_800_000);

    fn asked(call: &str) -> Asked {
        Asked { company: CompanyId(1), kind: "call_inbound", call_id: CallId::parse(call).unwrap() }
    }

    #[test]
    fn a_question_is_decided_once_until_it_is_forgotten() {
        let memory = InboundMemory::default();
        let once = |asked: Asked, after_ms: i64, answer: &'static str| {
            memory.once(asked, NOW.plus_ms(after_ms), || Bytes::from_static(answer.as_bytes()))
        };
        assert_eq!(once(asked("a"), 0, "first"), (Bytes::from_static(b"first"), false));
        assert_eq!(once(asked("a"), KEPT_MS - 1, "second"), (Bytes::from_static(b"first"), true));
        let others = [
            Asked { company: CompanyId(2), ..asked("a") },
            Asked { kind: "chat_inbound", ..asked("a") },
            asked("b"),
        ];
        for other in others {
            assert!(!once(other, 1, "other").1);
        }
        assert_eq!(once(asked("a"), KEPT_MS, "third"), (Bytes::from_static(b"third"), false));
    }

    #[test]
    fn no_more_than_the_limit_is_kept() {
        let memory = InboundMemory::default();
        for n in 0..KEPT_MAX + 10 {
            memory.once(asked(&format!("c{n}")), NOW, || Bytes::from_static(b"x"));
        }
        let kept = memory.0.lock().unwrap();
        assert_eq!((kept.answers.len(), kept.since.len()), (KEPT_MAX, KEPT_MAX));
        assert!(!kept.answers.contains_key(&asked("c9")) && kept.answers.contains_key(&asked("c10")));
    }
}
