//! How many live functions a company may call: enough for every call that its limits allow it, and no more, so
//! that an agent which runs wild costs its own company alone.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use askpro_domain::{ids::CompanyId, pace::SlidingWindow, tenant::Company, time::UnixMillis};

use super::load::Class;

/// Questions in a minute for each call that `limits.concurrent_calls` allows; functions that write may be twice
/// as many, so that a booking is the last to be turned away.
const PER_CALL_AND_MINUTE: usize = 30;

const MINUTE_MS: i64 = 60_000;

/// The functions of the last minute, by company; a new one has seen none.
#[derive(Default)]
pub struct FunctionPace(Mutex<HashMap<CompanyId, SlidingWindow>>);

impl FunctionPace {
    /// Whether one more fits; it is counted then. Companies without a limit may call as many as they like.
    pub fn admit(&self, company: &Company, class: Class, now: UnixMillis) -> bool {
        let Some(calls) = company.limits.concurrent_calls else { return true };
        let reads = usize::try_from(calls).unwrap_or(usize::MAX).saturating_mul(PER_CALL_AND_MINUTE);
        let max = if class == Class::FunctionRead { reads } else { reads.saturating_mul(2) };
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(company.id).or_insert_with(|| SlidingWindow::new(MINUTE_MS));
        let fits = window.count(now) < max;
        if fits {
            window.record(now);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use askpro_domain::tenant::{Limits, parse_import};
    use serde_json::json;

    use super::*;

    const NOW: UnixMillis = UnixMillis(1_795_420_800_000);

    fn company(concurrent_calls: Option<u32>) -> Company {
        let branch = json!({"slug": "one", "name": "One"});
        let file = json!({"slug": "a", "name": "A", "time_zone": "Europe/Berlin", "branches": [branch]});
        let company = parse_import(&json!({ "companies": [file] })).unwrap().companies.remove(0);
        Company { limits: Limits { concurrent_calls, calls_per_minute: None }, ..company }
    }

    #[test]
    fn reads_are_slowed_before_writes_and_a_minute_later_all_is_well() {
        let (pace, company) = (FunctionPace::default(), company(Some(2)));
        let admitted =
            |class, count: usize, now| (0..count).filter(|_| pace.admit(&company, class, now)).count();
        assert_eq!(admitted(Class::FunctionRead, 100, NOW), 60);
        assert_eq!(admitted(Class::FunctionWrite, 100, NOW), 60, "twice as many in all");
        assert_eq!(admitted(Class::FunctionRead, 100, NOW.plus_ms(59_999)), 0);
        assert_eq!(admitted(Class::FunctionRead, 100, NOW.plus_ms(60_000)), 60);
    }

    #[test]
    fn without_a_limit_nobody_is_slowed() {
        let (pace, company) = (FunctionPace::default(), company(None));
        assert!((0..10_000).all(|_| pace.admit(&company, Class::FunctionRead, NOW)));
        assert!(pace.0.lock().unwrap().is_empty());
    }
}
