//! Comparing our calls with Retell's: begun by the clock or by an admin, done by one actor per Retell key.

use askpro_actors::{
    ports::voice::Account,
    reconcile::{ReconcileMessage, ReconcilerView, RunReport},
};
use serde::Serialize;

use super::{
    AdminError, Page, Services,
    actors::ActorLine,
    ask::ask_all,
    ingest::IngestError,
    load::{Class, Overloaded, Reason, count_refused},
    quarantine::slug_of,
};

/// How far back a run looks unless it is told otherwise.
pub const HOURS_DEFAULT: u32 = 24;
/// How far back a run can look: a week.
pub const HOURS_MAX: u32 = 168;

/// One who asks Retell for calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReconcilerLine {
    /// `platform`, or the id of the company whose own key it is.
    pub id: String,
    /// Slug of that company.
    pub company: Option<String>,
    /// Until when nothing is asked, because Retell does not answer.
    pub resting_until: Option<String>,
    /// When the run began, RFC 3339.
    pub run_began_at: Option<String>,
    /// When it ended.
    pub run_ended_at: Option<String>,
    /// What it does; `None` when it did not answer in time.
    #[serde(flatten)]
    pub view: Option<ReconcilerView>,
    /// The actor.
    pub status: Option<ActorLine>,
}

/// Every Retell key that there is: the platform's, and companies' own.
#[must_use]
pub fn accounts(services: &Services) -> Vec<Account> {
    let directory = services.directory.current();
    let companies = directory.companies().map(|company| Account::Company(company.id));
    let voice = &services.actors.calls.world().voice;
    std::iter::once(Account::Platform).chain(companies).filter(|account| voice.has_key(*account)).collect()
}

/// Begins a run with every key, unless one is going. Gives how many keys there are.
///
/// # Errors
/// [`AdminError::NotConfigured`] without any key; an actor that takes nothing now.
pub fn begin(services: &Services, hours: u32) -> Result<usize, AdminError> {
    let accounts = accounts(services);
    if accounts.is_empty() {
        return Err(AdminError::NotConfigured { key: "retell.api_key" });
    }
    for account in &accounts {
        let run = ReconcileMessage::Run { hours };
        if services.actors.reconcilers.offer(*account, run).is_err() {
            count_refused(Class::Lifecycle, Reason::QueueFull);
            return Err(IngestError::Overloaded(Overloaded).into());
        }
    }
    Ok(accounts.len())
}

/// All who have asked Retell since the start.
pub async fn list(services: &Services) -> Page<ReconcilerLine> {
    let registry = &services.actors.reconcilers;
    let keys = registry.keys_after(None, usize::MAX);
    let answers = ask_all(registry, keys, ReconcileMessage::GetReconciler).await;
    let line = |(account, view): (Account, Option<ReconcilerView>)| {
        let run: Option<&RunReport> = view.as_ref().and_then(|view| view.run.as_ref());
        ReconcilerLine {
            id: account.to_string(),
            company: match account {
                Account::Platform => None,
                Account::Company(company) => slug_of(services, company),
            },
            resting_until: view.as_ref().and_then(|view| Some(view.resting_until?.to_rfc3339())),
            run_began_at: run.map(|run| run.began_at.to_rfc3339()),
            run_ended_at: run.and_then(|run| Some(run.ended_at?.to_rfc3339())),
            status: registry.status(&account).map(ActorLine::from),
            view,
        }
    };
    Page::whole(answers.into_iter().map(line).collect())
}
