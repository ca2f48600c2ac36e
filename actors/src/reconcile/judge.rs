//! What is missing here of a call that the platform lists. Pure.

use askpro_domain::{call::Stage, time::UnixMillis};

use super::wanted::Why;
use crate::ports::voice::ListedCall;

/// What is missing, if anything. `known`: the furthest stage that is in the database. `on_the_way`: events of
/// the call are not in the database yet, so nobody can say.
pub(super) fn missing(
    listed: &ListedCall,
    known: Option<Stage>,
    on_the_way: bool,
    grace_ms: i64,
    now: UnixMillis,
) -> Option<Why> {
    let newest = listed.ended_at.or(if listed.over { None } else { listed.began_at });
    if on_the_way || newest.is_some_and(|at| now.since(at) < grace_ms) {
        return None;
    }
    match known {
        None => Some(Why::Unknown),
        Some(stage) if listed.over && stage < Stage::Ended => Some(Why::Unended),
        Some(stage) if listed.analyzed && stage < Stage::Analyzed => Some(Why::Unanalyzed),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use askpro_domain::ids::CallId;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_420_800_000);
    const GRACE_MS: i64 = 600_000;

    fn listed(over: bool, analyzed: bool) -> ListedCall {
        ListedCall {
            call_id: CallId::parse("c").unwrap(),
            over,
            analyzed,
            began_at: Some(NOW.plus_ms(-3_600_000)),
            ended_at: over.then(|| NOW.plus_ms(-GRACE_MS)),
        }
    }

    fn judged(listed: &ListedCall, known: Option<Stage>) -> Option<Why> {
        missing(listed, known, false, GRACE_MS, NOW)
    }

    #[test]
    fn whatever_is_further_there_than_here_is_missing() {
        let table = [
            (listed(true, true), None, Some(Why::Unknown)),
            (listed(true, true), Some(Stage::Started), Some(Why::Unended)),
            (listed(true, true), Some(Stage::Updated), Some(Why::Unended)),
            (listed(true, true), Some(Stage::Ended), Some(Why::Unanalyzed)),
            (listed(true, true), Some(Stage::Analyzed), None),
            (listed(true, false), Some(Stage::Ended), None),
            (listed(false, false), None, Some(Why::Unknown)),
            (listed(false, false), Some(Stage::Started), None),
            (listed(false, false), Some(Stage::Ended), None),
        ];
        for (listed, known, expected) in table {
            assert_eq!(judged(&listed, known), expected, "{listed:?} {known:?}");
        }
    }

    #[test]
    fn what_may_still_come_by_itself_is_not_missing() {
        let fresh = ListedCall { ended_at: Some(NOW.plus_ms(1 - GRACE_MS)), ..listed(true, true) };
        assert_eq!(judged(&fresh, None), None);
        let begun = ListedCall { began_at: Some(NOW.plus_ms(-1_000)), ..listed(false, false) };
        assert_eq!(judged(&begun, None), None);
        assert_eq!(missing(&listed(true, true), None, true, GRACE_MS, NOW), None);
        let never_connected = ListedCall { began_at: None, ended_at: None, ..listed(true, true) };
        assert_eq!(judged(&never_connected, None), Some(Why::Unknown), "it says no time at all");
    }
}
