//! Lists of calls, by call id. Actors and store each give their calls in that order; a page is the merge of
//! both up to where both were read.

use askpro_actors::{
    calls::CallMessage,
    ports::stores::{CallFilter, RowPage},
};
use askpro_domain::ids::{CallId, CompanyId};

use super::{super::ask::ask_all, AdminError, CallLine, Page, Services};
use crate::usecases::PageRequest;

/// Calls looked at for one page, when a filter leaves most of them out.
const SCANNED_MAX: usize = 10_000;

/// Which calls to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallsWanted {
    /// That have not ended, as their actors say.
    Live,
    /// That have ended, as the store has them.
    Ended,
    /// Both.
    All,
}

impl CallsWanted {
    /// Reads `live`, `ended` or `all`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "live" => Some(Self::Live),
            "ended" => Some(Self::Ended),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// A stretch of calls in the order of their ids.
struct Stretch {
    calls: Vec<(CallId, CallLine)>,
    /// Up to where it is complete; `None` to the end.
    read_to: Option<CallId>,
}

/// Calls of a company, or of all.
///
/// # Errors
/// [`AdminError::BadParameter`], or the database does not answer and is needed.
pub async fn list_calls(
    services: &Services,
    wanted: CallsWanted,
    company: Option<CompanyId>,
    page: &PageRequest,
) -> Result<Page<CallLine>, AdminError> {
    let after = page.after(CallId::parse)?;
    let limit = page.limit();
    let none = || Stretch { calls: Vec::new(), read_to: None };
    let in_memory = match wanted {
        CallsWanted::Ended => none(),
        _ => scan_actors(services, wanted, company, after.clone(), limit).await,
    };
    let stored = match wanted {
        CallsWanted::Live => none(),
        _ => scan_store(services, wanted, company, after, limit).await?,
    };
    Ok(merge(in_memory, stored, limit))
}

async fn scan_actors(
    services: &Services,
    wanted: CallsWanted,
    company: Option<CompanyId>,
    mut after: Option<CallId>,
    limit: usize,
) -> Stretch {
    let registry = services.actors.calls.registry();
    let (mut calls, mut scanned) = (Vec::new(), 0);
    loop {
        let keys = registry.keys_after(after.as_ref(), limit);
        let full = keys.len() >= limit;
        scanned += keys.len();
        after = keys.last().cloned().or(after);
        for (call_id, view) in ask_all(registry, keys, CallMessage::GetCall).await {
            let Some(view) = view else { continue };
            let theirs = company.is_none_or(|id| view.state.placed.is_some_and(|p| p.company == id));
            if theirs && (wanted == CallsWanted::All || !view.state.is_over()) {
                calls.push((call_id, CallLine::of(services, &view.state, true)));
            }
        }
        if !full {
            return Stretch { calls, read_to: None };
        }
        if calls.len() >= limit || scanned >= SCANNED_MAX {
            return Stretch { calls, read_to: after };
        }
    }
}

async fn scan_store(
    services: &Services,
    wanted: CallsWanted,
    company: Option<CompanyId>,
    mut after: Option<CallId>,
    limit: usize,
) -> Result<Stretch, AdminError> {
    let (mut calls, mut scanned) = (Vec::new(), 0);
    loop {
        let filter = CallFilter {
            company,
            status: None,
            after: after.clone(),
            limit: u32::try_from(limit).unwrap_or(1),
        };
        let RowPage { rows, next } = services.calls.list_calls(&filter).await?;
        scanned += limit;
        after = next;
        let ended = rows.into_iter().filter(|row| wanted == CallsWanted::All || row.state.is_over());
        calls.extend(ended.map(|row| (row.state.call_id.clone(), CallLine::of(services, &row.state, false))));
        if after.is_none() || calls.len() >= limit || scanned >= SCANNED_MAX {
            return Ok(Stretch { calls, read_to: after });
        }
    }
}

/// What the actors say comes before what the store has of the same call.
fn merge(in_memory: Stretch, stored: Stretch, limit: usize) -> Page<CallLine> {
    let read_to = match (in_memory.read_to, stored.read_to) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let mut calls = in_memory.calls;
    calls.extend(stored.calls);
    // Stable: of two with one id the first, from memory, stays in front and is the one kept.
    calls.sort_by(|(one, _), (other, _)| one.cmp(other));
    calls.dedup_by(|(later, _), (earlier, _)| later == earlier);
    calls.retain(|(call_id, _)| read_to.as_ref().is_none_or(|end| call_id <= end));
    let cut = calls.len() > limit;
    calls.truncate(limit);
    let last = calls.last().map(|(call_id, _)| call_id.clone());
    let next_cursor = if cut { last } else { read_to };
    Page {
        items: calls.into_iter().map(|(_, line)| line).collect(),
        next_cursor: next_cursor.map(|id| id.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, in_memory: bool) -> (CallId, CallLine) {
        let line = CallLine {
            id: id.to_owned(),
            call_id: id.to_owned(),
            company: None,
            branch: None,
            status: "live",
            outcome: None,
            direction: None,
            call_type: None,
            from_number: None,
            to_number: None,
            agent_id: None,
            started_at: None,
            ended_at: None,
            duration_ms: None,
            disconnection_reason: None,
            closed_by: None,
            in_memory,
        };
        (CallId::parse(id).unwrap(), line)
    }

    fn stretch(ids: &[&str], in_memory: bool, read_to: Option<&str>) -> Stretch {
        Stretch {
            calls: ids.iter().map(|id| line(id, in_memory)).collect(),
            read_to: read_to.and_then(CallId::parse),
        }
    }

    fn ids(page: &Page<CallLine>) -> Vec<&str> {
        page.items.iter().map(|line| line.id.as_str()).collect()
    }

    #[test]
    fn a_call_that_both_know_is_listed_once_as_its_actor_tells() {
        let page = merge(stretch(&["b"], true, None), stretch(&["a", "b", "c"], false, None), 10);
        assert_eq!(ids(&page), ["a", "b", "c"]);
        assert!(page.items[1].in_memory && page.next_cursor.is_none());
    }

    #[test]
    fn nothing_is_listed_beyond_where_both_were_read() {
        let page = merge(stretch(&["d", "e"], true, Some("e")), stretch(&["a", "b"], false, Some("b")), 2);
        assert_eq!(ids(&page), ["a", "b"]);
        assert_eq!(page.next_cursor.as_deref(), Some("b"));
    }

    #[test]
    fn a_page_that_is_cut_goes_on_after_its_last_call() {
        let page = merge(stretch(&["a", "c"], true, None), stretch(&["b", "d"], false, Some("d")), 3);
        assert_eq!(ids(&page), ["a", "b", "c"]);
        assert_eq!(page.next_cursor.as_deref(), Some("c"));
    }

    #[test]
    fn a_scan_that_found_nothing_yet_goes_on_from_where_it_stopped() {
        let page = merge(stretch(&[], true, Some("m")), stretch(&[], false, None), 3);
        assert_eq!(ids(&page), [""; 0]);
        assert_eq!(page.next_cursor.as_deref(), Some("m"));
    }
}
