//! Companies that have everything alike but a token in every text and digits of their own in every number.

use serde_json::{Value, json};

/// How many there are.
pub const COMPANIES: usize = 8;
/// In every text of a company, whatever it is.
pub const TOKENS: [&str; COMPANIES] =
    ["qalpha", "qbravo", "qcharlie", "qdelta", "qecho", "qfoxtrot", "qgolf", "qhotel"];
/// In every number of a company.
pub const DIGITS: [&str; COMPANIES] =
    ["301111101", "302222202", "303333303", "304444404", "305555505", "306666606", "307777707", "308888808"];
/// The caller whom all of them know, by another name each.
pub const CALLER: &str = "+4915112345678";

/// One of the companies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner(pub usize);

impl Owner {
    pub fn all() -> impl Iterator<Item = Self> {
        (0..COMPANIES).map(Self)
    }

    pub fn token(self) -> &'static str {
        TOKENS[self.0]
    }

    pub fn slug(self) -> String {
        format!("salon-{}", self.token())
    }

    pub fn number(self) -> String {
        format!("+49{}", DIGITS[self.0])
    }

    pub fn agent(self) -> String {
        format!("agent_{}", self.token())
    }

    pub fn key(self) -> String {
        format!("key_{}", self.token())
    }

    pub fn secret(self) -> String {
        format!("whsec_{}", self.token())
    }

    pub fn event_type(self) -> i64 {
        3_000 + i64::try_from(self.0).unwrap()
    }

    pub fn customer(self) -> String {
        format!("Anna {}", self.token())
    }

    /// Whose token or number a text has in it.
    pub fn named_in(text: &[u8]) -> Vec<Self> {
        let text = text.to_ascii_lowercase();
        let has = |word: &str| text.windows(word.len()).any(|window| window == word.as_bytes());
        Self::all().filter(|owner| has(owner.token()) || has(DIGITS[owner.0])).collect()
    }
}

/// The import file.
pub fn companies() -> Value {
    json!({ "companies": Owner::all().map(company).collect::<Vec<_>>() })
}

fn company(owner: Owner) -> Value {
    let (token, place) = (owner.token(), i64::try_from(owner.0).unwrap());
    let every_day: serde_json::Map<String, Value> = ["mon", "tue", "wed", "thu", "fri"]
        .iter()
        .map(|day| ((*day).to_owned(), json!(["08:00-18:00"])))
        .collect();
    json!({
        "slug": owner.slug(), "name": format!("Salon {token}"), "time_zone": "Europe/Berlin", "language": "de",
        "calcom_api_key": format!("cal_{token}"), "calcom_webhook_secret": owner.secret(),
        "retell_webhook_keys": [owner.key()],
        "branches": [{
            "slug": "mitte", "name": format!("Mitte {token}"), "phone_numbers": [owner.number()],
            "agents": [owner.agent()], "opening_hours": every_day,
            "inbound": { "dynamic_variables": { "hint": format!("Hinweis {token}") }, "metadata": { "of": token } },
        }],
        "staff": [
            { "slug": "mia", "name": "Mia", "branch": "mitte", "calcom_user_id": 9_000 + place },
            { "slug": "udo", "name": format!("Udo {token}"), "branch": "mitte", "calcom_user_id": 9_100 + place },
        ],
        "services": [
            { "slug": "schnitt", "name": "Schnitt", "duration_minutes": 30, "price_cents": 3_200, "currency": "EUR",
              "calcom_event_type_id": owner.event_type(), "staff": ["mia", "udo"] },
            { "slug": "kur", "name": format!("Kur {token}"), "duration_minutes": 60, "price_cents": 5_000,
              "currency": "EUR", "calcom_event_type_id": owner.event_type() + 10, "staff": ["udo"] },
        ],
        "customers": [{ "name": owner.customer(), "phone": CALLER, "email": format!("anna@{token}.example") }],
    })
}
