//! What a caller of the benchmark wants to book, as agents write it: in German and in English fields.

use jiff::civil::{Date, Weekday};
use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Map, Value, json};

use crate::simulators::retell::CompanyLine;

/// Callers who name a member of staff.
const NAMED_SHARE: f64 = 0.35;

/// A service, a member of staff or none, and a time on a weekday between nine and half past four.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    service: String,
    staff: Option<String>,
    date: Date,
    hour: i8,
    minute: i8,
    german: bool,
}

impl Wish {
    /// One of the next `days` days after `today` (a weekend moves to the Monday after it).
    pub(super) fn invent(rng: &mut SmallRng, line: &CompanyLine, today: Date, days: u32) -> Self {
        let ahead = rng.random_range(1..=days.max(1));
        let mut date = (0..ahead).fold(today, |date, _| date.tomorrow().unwrap_or(date));
        while matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        let staff = rng.random_bool(NAMED_SHARE);
        Self {
            service: pick(rng, &line.services),
            staff: Some(pick(rng, &line.staff)).filter(|name| staff && !name.is_empty()),
            date,
            hour: rng.random_range(9..17),
            minute: if rng.random_bool(0.5) { 0 } else { 30 },
            german: rng.random_bool(0.5),
        }
    }

    /// The arguments of a function call, as JSON.
    pub(super) fn arguments(&self, function: &str, caller: &str) -> String {
        let time = format!("{:02}:{:02}", self.hour, self.minute);
        let date = if self.german { self.date.strftime("%d.%m.%Y") } else { self.date.strftime("%Y-%m-%d") };
        let mut arguments = Map::new();
        let mut put = |german: &str, english: &str, value: Value| {
            arguments.insert(if self.german { german } else { english }.to_owned(), value);
        };
        put("dienstleistung", "service", json!(self.service));
        if let Some(staff) = &self.staff {
            put("mitarbeiter", "staff", json!(staff));
        }
        if function == "check_availability" {
            put("datum", "date", json!(date.to_string()));
            put("uhrzeit", "time", json!(time));
            // Agents fill in an id that they do not know.
            put("call_id", "call_id", json!("None"));
        } else {
            put("datetime", "datetime", json!(format!("{date} {time}")));
            put("customer_name", "customer_name", json!("Anna Schmidt"));
            put("customer_phone", "customer_phone", json!(caller));
        }
        Value::Object(arguments).to_string()
    }

    #[cfg(test)]
    pub(super) fn sample() -> Self {
        Self {
            service: "Haarschnitt".to_owned(),
            staff: Some("Udo".to_owned()),
            date: jiff::civil::date(2026, 11, 24),
            hour: 14,
            minute: 0,
            german: true,
        }
    }
}

fn pick(rng: &mut SmallRng, names: &[String]) -> String {
    names.get(rng.random_range(0..names.len().max(1))).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn wishes_are_on_weekdays_within_opening_hours() {
        let import = super::super::companies::generate(1);
        let line = CompanyLine::from_import_json(&import).remove(0);
        let mut rng = SmallRng::seed_from_u64(1);
        for _ in 0..200 {
            let wish = Wish::invent(&mut rng, &line, jiff::civil::date(2026, 11, 26), 7);
            assert!(!matches!(wish.date.weekday(), Weekday::Saturday | Weekday::Sunday));
            assert!((9..17).contains(&wish.hour));
            assert!(line.services.contains(&wish.service));
        }
    }

    #[test]
    fn arguments_carry_the_names_that_agents_use() {
        let check: Value =
            serde_json::from_str(&Wish::sample().arguments("check_availability", "+49")).unwrap();
        assert_eq!(check["datum"], "24.11.2026");
        assert_eq!(check["uhrzeit"], "14:00");
        let english = Wish { german: false, ..Wish::sample() };
        let book: Value = serde_json::from_str(&english.arguments("book_appointment", "+49151")).unwrap();
        assert_eq!(book["datetime"], "2026-11-24 14:00");
        assert_eq!(book["service"], "Haarschnitt");
        assert_eq!(book["customer_phone"], "+49151");
    }
}
