//! The companies of the stories: `friseur-mitte` and `zahnarzt-hamburg`. Invented values.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use askpro_domain::{
    ids::CompanyId,
    tenant::{Company, Directory, parse_import},
    time::UnixMillis,
};
use serde_json::json;

use super::lock;
use crate::ports::directory::DirectoryView;

/// Mon 2026-11-23 09:00 in Berlin.
pub const FIXTURE_NOW: UnixMillis = UnixMillis(1_795_420_800_000);

/// A directory that can be replaced, and that panics when it is told to.
pub struct FakeDirectory {
    directory: Mutex<Arc<Directory>>,
    panics: AtomicU32,
}

impl Default for FakeDirectory {
    fn default() -> Self {
        Self::new(fixture())
    }
}

impl FakeDirectory {
    /// With these companies.
    #[must_use]
    pub fn new(companies: Vec<Company>) -> Self {
        Self { directory: Mutex::new(Arc::new(Directory::new(companies))), panics: AtomicU32::new(0) }
    }

    /// An import replaced the companies.
    pub fn replace(&self, companies: Vec<Company>) {
        *lock(&self.directory) = Arc::new(Directory::new(companies));
    }

    /// The next `looks` looks panic; whoever looks.
    pub fn panic_next(&self, looks: u32) {
        self.panics.store(looks, Ordering::SeqCst);
    }
}

impl DirectoryView for FakeDirectory {
    fn current(&self) -> Arc<Directory> {
        let left = self.panics.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        assert!(left.is_err(), "the directory panics as it was told to");
        lock(&self.directory).clone()
    }
}

/// Id of `friseur-mitte`.
#[must_use]
pub fn company_a() -> CompanyId {
    CompanyId::of_slugs(&["friseur-mitte"])
}

/// Id of `zahnarzt-hamburg`.
#[must_use]
pub fn company_b() -> CompanyId {
    CompanyId::of_slugs(&["zahnarzt-hamburg"])
}

/// Both companies. A's men's cut is a pool without own types, its women's cut a pool whose members have own
/// types, its perm is Udo's alone.
#[must_use]
pub fn fixture() -> Vec<Company> {
    let hours = json!({"mon": ["09:00-18:00"], "tue": ["09:00-18:00"], "wed": ["09:00-18:00"],
        "thu": ["09:00-18:00"], "fri": ["09:00-18:00"]});
    let file = json!({"companies": [
        {"slug": "friseur-mitte", "name": "Friseur Mitte", "time_zone": "Europe/Berlin", "language": "de",
         "notice_minutes": 15,
         "branches": [{"slug": "mitte", "name": "Mitte", "phone_numbers": ["+493083793369"],
            "agents": ["agent_a1"], "opening_hours": hours}],
         "staff": [{"slug": "udo", "name": "Udo", "branch": "mitte", "calcom_user_id": 9001},
            {"slug": "mia", "name": "Mia", "branch": "mitte", "calcom_user_id": 9002}],
         "services": [
            {"slug": "herrenhaarschnitt", "name": "Herrenhaarschnitt", "duration_minutes": 30,
             "price_cents": 3200, "currency": "EUR", "calcom_event_type_id": 2001, "staff": ["udo", "mia"]},
            {"slug": "damenhaarschnitt", "name": "Damenhaarschnitt", "duration_minutes": 45,
             "calcom_event_type_id": 2003, "staff": [{"slug": "udo", "calcom_event_type_id": 2103},
                {"slug": "mia", "calcom_event_type_id": 2113}]},
            {"slug": "dauerwelle", "name": "Dauerwelle", "duration_minutes": 135,
             "calcom_event_type_id": 2002, "staff": ["udo"]}]},
        {"slug": "zahnarzt-hamburg", "name": "Zahnarzt Hamburg", "time_zone": "Europe/Berlin", "language": "de",
         "branches": [{"slug": "hamburg", "name": "Hamburg", "phone_numbers": ["+494035791113"],
            "agents": ["agent_b1"], "opening_hours": hours}],
         "staff": [{"slug": "eva", "name": "Eva", "calcom_user_id": 9101}],
         "services": [{"slug": "kontrolle", "name": "Kontrolle", "duration_minutes": 30,
             "calcom_event_type_id": 3001, "staff": ["eva"]}]}]});
    parse_import(&file).map(|import| import.companies).unwrap_or_default()
}
