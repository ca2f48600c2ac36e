//! Actors as admins see them: each tells the same about itself.

use askpro_actors::{
    budget::BudgetActor,
    calls::CallActor,
    reconcile::ReconcileActor,
    runtime::{Actor, ActorStatus, Registry},
    scheduling::{SchedulerView, SchedulingActor, SchedulingMessage},
    tenant::TenantActor,
    writer::{WriterActor, WriterView},
};
use askpro_domain::{
    ids::{CallId, CompanyId},
    policy::KeyId,
};
use serde::Serialize;

use super::{AdminError, Page, PageRequest, Services, ask::ask_all, page::bad_cursor};

/// One actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActorLine {
    /// Its key, written out.
    pub id: String,
    /// The kind of actor.
    pub kind: &'static str,
    /// `running`, `loading` or `isolated`.
    pub state: &'static str,
    /// Messages that wait or are in their turn.
    pub mailbox_depth: usize,
    /// How long the oldest of them is there.
    pub oldest_message_age_ms: u64,
    /// Restarts since it is in memory.
    pub restarts: u64,
    /// The last fault.
    pub last_error: Option<String>,
    /// Since when it is in memory, RFC 3339.
    pub since: String,
}

impl From<ActorStatus> for ActorLine {
    fn from(status: ActorStatus) -> Self {
        Self {
            id: status.id,
            kind: status.kind,
            state: status.state,
            mailbox_depth: status.mailbox_depth,
            oldest_message_age_ms: status.oldest_message_age_ms,
            restarts: status.restarts,
            last_error: status.last_error,
            since: status.since.to_rfc3339(),
        }
    }
}

/// A scheduler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchedulerLine {
    /// The company's id.
    pub id: String,
    /// The company's slug, if it still exists.
    pub company: Option<String>,
    /// The actor.
    pub status: Option<ActorLine>,
    /// What it holds and books; `None` when it did not answer in time.
    pub view: Option<SchedulerView>,
}

/// A writer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WriterLine {
    /// Its figures, with its `id`.
    #[serde(flatten)]
    pub view: WriterView,
    /// The actor, once it has had something to write.
    pub status: Option<ActorLine>,
}

/// All actors of one kind.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    name: &'static str,
    page: fn(&Services, Option<&str>, usize) -> Option<Keys>,
}

/// The lines of some actors, and the last key that was looked at when there may be more.
struct Keys {
    lines: Vec<ActorLine>,
    more_after: Option<String>,
}

/// Every kind, in the order in which they are listed.
pub const KINDS: [Kind; 6] = [
    Kind {
        name: CallActor::KIND,
        page: |services, after, limit| page_of(services.actors.calls.registry(), after, limit, CallId::parse),
    },
    Kind {
        name: ReconcileActor::KIND,
        page: |services, after, limit| {
            page_of(&services.actors.reconcilers, after, limit, |text| text.parse().ok())
        },
    },
    Kind {
        name: SchedulingActor::KIND,
        page: |services, after, limit| page_of(&services.actors.schedulers, after, limit, company_id),
    },
    Kind {
        name: TenantActor::KIND,
        page: |services, after, limit| page_of(&services.actors.tenants, after, limit, company_id),
    },
    Kind {
        name: WriterActor::KIND,
        page: |services, after, limit| {
            page_of(services.actors.writers.registry(), after, limit, |text| text.parse().ok())
        },
    },
    Kind {
        name: BudgetActor::KIND,
        page: |services, after, limit| {
            page_of(services.actors.budgets.registry(), after, limit, KeyId::parse)
        },
    },
];

impl Kind {
    /// Reads the name of a kind.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        KINDS.into_iter().find(|kind| kind.name == name)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

/// Actors of one kind or of all, kind after kind; the cursor is `kind:key`.
///
/// # Errors
/// [`AdminError::BadParameter`] for a cursor that no page gave.
pub fn list_actors(
    services: &Services,
    kind: Option<Kind>,
    page: &PageRequest,
) -> Result<Page<ActorLine>, AdminError> {
    let (from, mut after) = match page.cursor() {
        None => (0, None),
        Some(cursor) => {
            let (name, key) = cursor.split_once(':').ok_or_else(bad_cursor)?;
            (KINDS.iter().position(|kind| kind.name == name).ok_or_else(bad_cursor)?, Some(key))
        }
    };
    let mut items = Vec::new();
    for kind in KINDS.into_iter().skip(from).filter(|k| kind.is_none_or(|wanted| wanted.name == k.name)) {
        let room = page.limit() - items.len();
        let keys = (kind.page)(services, after.take(), room).ok_or_else(bad_cursor)?;
        items.extend(keys.lines);
        if let Some(key) = keys.more_after {
            return Ok(Page { items, next_cursor: Some(format!("{}:{key}", kind.name)) });
        }
    }
    Ok(Page::whole(items))
}

/// `None` for a key that cannot be one.
fn page_of<A: Actor>(
    registry: &Registry<A>,
    after: Option<&str>,
    limit: usize,
    parse: impl Fn(&str) -> Option<A::Key>,
) -> Option<Keys> {
    let after = match after {
        None => None,
        Some(text) => Some(parse(text)?),
    };
    let keys = registry.keys_after(after.as_ref(), limit);
    let lines = keys.iter().filter_map(|key| registry.status(key)).map(ActorLine::from).collect();
    let more_after = keys.last().filter(|_| keys.len() >= limit).map(ToString::to_string);
    Some(Keys { lines, more_after })
}

fn company_id(text: &str) -> Option<CompanyId> {
    text.parse().ok().map(CompanyId)
}

/// Schedulers that are in memory, by company id, with what they hold and book.
///
/// # Errors
/// [`AdminError::BadParameter`] for a cursor that no page gave.
pub async fn list_schedulers(
    services: &Services,
    page: &PageRequest,
) -> Result<Page<SchedulerLine>, AdminError> {
    let registry = &services.actors.schedulers;
    let keys = registry.keys_after(page.after(company_id)?.as_ref(), page.limit());
    let next_cursor = keys.last().filter(|_| keys.len() >= page.limit()).map(ToString::to_string);
    let answers = ask_all(registry, keys, SchedulingMessage::GetScheduler).await;
    let directory = services.directory.current();
    let items = answers
        .into_iter()
        .map(|(company, view)| SchedulerLine {
            id: company.to_string(),
            company: directory.company(company).map(|c| c.slug.clone()),
            status: registry.status(&company).map(ActorLine::from),
            view,
        })
        .collect();
    Ok(Page { items, next_cursor })
}

/// Every writer.
#[must_use]
pub fn list_writers(services: &Services) -> Page<WriterLine> {
    let writers = &services.actors.writers;
    let line =
        |(index, view)| WriterLine { view, status: writers.registry().status(&index).map(ActorLine::from) };
    Page::whole(writers.views().into_iter().enumerate().map(line).collect())
}
