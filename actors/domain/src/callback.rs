//! The wish to be called back. A number has one open wish: whoever asks again joins it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{BodyHash, CallId, CompanyId},
    phone::PhoneNumber,
    time::UnixMillis,
};

/// How long a wish can be joined: who asks again later wants another call.
pub const JOINED_WITHIN_MS: i64 = 7 * 86_400_000;
/// Longest reason, in characters; what would make it longer is left out.
pub const REASON_CHARS_MAX: usize = 250;

/// Stands in a row for a reason that nobody gave.
pub const NO_REASON: &str = "callback_requested";
const ROW_KEY_PREFIX: &str = "requested:";

/// How soon somebody must call, the least urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// When it suits.
    #[default]
    Normal,
    /// Before others.
    High,
    /// At once.
    Urgent,
}

impl Priority {
    /// The word in rows and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Normal, Self::High, Self::Urgent].into_iter().find(|priority| priority.as_str() == word)
    }
}

/// When somebody shall call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// From then on, when that was understood.
    pub from: Option<UnixMillis>,
    /// As it was said.
    pub said: String,
}

/// What a caller wishes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackOrder {
    /// Whom to call; `None` is the number that calls.
    pub phone: Option<PhoneNumber>,
    /// Whom to ask for.
    pub name: Option<String>,
    /// How soon.
    pub priority: Priority,
    /// What about, in the caller's words.
    pub reason: Option<String>,
    /// When.
    pub due: Option<Due>,
}

/// Identity of a wish: `cb_` and 24 hex digits, made from the request that opened it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallbackId(pub String);

impl CallbackId {
    /// Of the request that opens a wish.
    #[must_use]
    pub fn of_request(company: CompanyId, call: &CallId, order_key: &str, at: UnixMillis) -> Self {
        let parts: [&[u8]; 4] =
            [&company.0.to_be_bytes(), &at.0.to_be_bytes(), order_key.as_bytes(), call.as_str().as_bytes()];
        let text = BodyHash::of(&parts).to_hex();
        Self(format!("cb_{}", text.get(..24).unwrap_or_default()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Key of its row, among those of callbacks that nobody asked for.
    #[must_use]
    pub fn row_key(&self) -> String {
        format!("{ROW_KEY_PREFIX}{}", self.0)
    }

    /// The id in the key of a row; `None` when nobody asked for that callback.
    #[must_use]
    pub fn of_row_key(key: &str) -> Option<Self> {
        key.strip_prefix(ROW_KEY_PREFIX).map(|id| Self(id.to_owned()))
    }
}

/// An open wish to be called back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// Its id.
    pub id: CallbackId,
    /// The company that shall call.
    pub company: CompanyId,
    /// The call in which it was first asked for.
    pub call_id: CallId,
    /// Whom to call.
    pub phone: PhoneNumber,
    /// Whom to ask for, when known.
    pub name: Option<String>,
    /// The highest that was asked for.
    pub priority: Priority,
    /// What about: all that was said, each thing once.
    pub reason: Option<String>,
    /// The earliest that was asked for.
    pub due: Option<Due>,
    /// When it was first asked for.
    pub requested_at: UnixMillis,
    /// Counts what joined it and changed it; the higher is newer.
    pub version: u32,
}

impl Callback {
    /// A wish nobody had yet.
    #[must_use]
    pub fn open(
        company: CompanyId,
        call_id: &CallId,
        phone: PhoneNumber,
        order: &CallbackOrder,
        order_key: &str,
        now: UnixMillis,
    ) -> Self {
        Self {
            id: CallbackId::of_request(company, call_id, order_key, now),
            company,
            call_id: call_id.clone(),
            phone,
            name: order.name.clone(),
            priority: order.priority,
            reason: order.reason.as_deref().map(clip),
            due: order.due.clone(),
            requested_at: now,
            version: 1,
        }
    }

    /// Whether a new wish for the same number joins this one.
    #[must_use]
    pub fn can_be_joined(&self, now: UnixMillis) -> bool {
        now.since(self.requested_at) < JOINED_WITHIN_MS
    }

    /// Joins a further wish: the higher priority, the earlier time and everything that was said of the reason
    /// stay. One that adds nothing changes nothing.
    #[must_use]
    pub fn join(&self, order: &CallbackOrder) -> Self {
        let joined = Self {
            name: self.name.clone().or_else(|| order.name.clone()),
            priority: self.priority.max(order.priority),
            reason: join_reason(self.reason.as_deref(), order.reason.as_deref()),
            due: earlier(self.due.clone(), order.due.clone()),
            ..self.clone()
        };
        if joined == *self { joined } else { Self { version: self.version + 1, ..joined } }
    }
}

/// A time that was understood comes before words.
fn earlier(one: Option<Due>, other: Option<Due>) -> Option<Due> {
    match (one, other) {
        (Some(one), Some(other)) => {
            let rank = |due: &Due| due.from.map_or(i64::MAX, |from| from.0);
            Some(if rank(&other) < rank(&one) { other } else { one })
        }
        (one, other) => one.or(other),
    }
}

fn join_reason(known: Option<&str>, new: Option<&str>) -> Option<String> {
    let (Some(known), Some(new)) = (known, new) else { return known.or(new).map(clip) };
    let new = clip(new);
    if known.contains(&new) || known.to_lowercase().contains(&new.to_lowercase()) {
        return Some(known.to_owned());
    }
    let joined = format!("{known}; {new}");
    Some(if joined.chars().count() <= REASON_CHARS_MAX { joined } else { known.to_owned() })
}

fn clip(text: &str) -> String {
    text.chars().take(REASON_CHARS_MAX).collect()
}

impl fmt::Debug for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Due").field("from", &self.from).finish_non_exhaustive()
    }
}

impl fmt::Debug for CallbackOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackOrder").field("priority", &self.priority).finish_non_exhaustive()
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("id", &self.id)
            .field("priority", &self.priority)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_420_800_000);

    fn order(priority: Priority, from_ms: Option<i64>, reason: &str) -> CallbackOrder {
        let due = from_ms.map(|ms| Due { from: Some(NOW.plus_ms(ms)), said: format!("in {ms}") });
        let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
        CallbackOrder { phone: None, name: None, priority, reason, due }
    }

    fn open(order: &CallbackOrder) -> Callback {
        let phone = PhoneNumber::parse_e164("+4915112345678").unwrap();
        Callback::open(CompanyId(1), &CallId::parse("c1").unwrap(), phone, order, "key", NOW)
    }

    #[test]
    fn the_higher_priority_and_the_earlier_time_win() {
        let first = open(&order(Priority::High, Some(5_000), "Preise"));
        let joined = first.join(&order(Priority::Normal, Some(9_000), ""));
        assert_eq!(joined, first, "what adds nothing changes nothing");
        let joined = joined.join(&order(Priority::Urgent, Some(1_000), "Preise"));
        assert_eq!((joined.priority, joined.version), (Priority::Urgent, 2));
        assert_eq!(joined.due.as_ref().unwrap().from, Some(NOW.plus_ms(1_000)));
        assert_eq!(joined.reason.as_deref(), Some("Preise"));
        let joined = joined.join(&order(Priority::Normal, None, "Termin absagen"));
        assert_eq!(joined.reason.as_deref(), Some("Preise; Termin absagen"));
        assert_eq!((joined.id, joined.requested_at), (first.id, first.requested_at));
    }

    #[test]
    fn words_stay_until_a_time_is_understood() {
        let words = |said: &str| CallbackOrder {
            due: Some(Due { from: None, said: said.to_owned() }),
            ..order(Priority::Normal, None, "")
        };
        let first = open(&words("nach Feierabend"));
        assert_eq!(first.join(&words("abends")), first);
        let joined = first.join(&order(Priority::Normal, Some(7), ""));
        assert_eq!(joined.due.clone().unwrap().said, "in 7");
        assert_eq!(joined.join(&words("abends")), joined);
    }

    #[test]
    fn a_wish_can_be_joined_for_a_week() {
        let first = open(&order(Priority::Normal, None, ""));
        assert!(first.can_be_joined(NOW.plus_ms(JOINED_WITHIN_MS - 1)));
        assert!(!first.can_be_joined(NOW.plus_ms(JOINED_WITHIN_MS)));
    }

    #[test]
    fn nothing_personal_is_shown() {
        let first = open(&order(Priority::Normal, Some(1), "Anna will reden"));
        assert!(!format!("{first:?} {:?}", first.due).contains("Anna"));
    }

    proptest! {
        #[test]
        fn joining_again_changes_nothing_and_no_reason_is_too_long(
            wishes in prop::collection::vec((0_u8..3, prop::option::of(0_i64..9), "\\PC{0,200}"), 1..6),
        ) {
            let orders: Vec<CallbackOrder> = wishes.iter().map(|(priority, from, reason)| {
                let priority = [Priority::Normal, Priority::High, Priority::Urgent][usize::from(*priority)];
                order(priority, *from, reason)
            }).collect();
            let mut joined = open(&orders[0]);
            for order in &orders {
                joined = joined.join(order);
                prop_assert_eq!(&joined.join(order), &joined);
            }
            let highest = orders.iter().map(|o| o.priority).max().unwrap();
            let earliest = orders.iter().filter_map(|o| o.due.as_ref()?.from).min();
            prop_assert_eq!(joined.priority, highest);
            prop_assert_eq!(joined.due.and_then(|due| due.from), earliest);
            prop_assert!(joined.reason.is_none_or(|reason| reason.chars().count() <= REASON_CHARS_MAX));
        }
    }
}
