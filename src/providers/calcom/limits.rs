//! What Cal.com's headers tell of a key's limit.
//!
//! `X-RateLimit-Limit-<name>`, `-Remaining-<name>` and `-Reset-<name>`, one set for each limit of the key; the
//! reset is in whole seconds from now. A request is refused only when all of a key's limits are exhausted.

use std::collections::BTreeMap;

use askpro_domain::policy::{Heard, RateLimits};
use reqwest::header::{HeaderMap, HeaderValue};

const LIMIT: &str = "x-ratelimit-limit";
const REMAINING: &str = "x-ratelimit-remaining";
const RESET: &str = "x-ratelimit-reset";
const TOO_MANY_REQUESTS: u16 = 429;
/// How long to wait when Cal.com limits us and does not say how long: its window is a minute.
const RETRY_AFTER_DEFAULT_MS: i64 = 60_000;
/// Longest wait that is believed.
const RETRY_AFTER_MS_MAX: i64 = 600_000;

/// What an answer with this status and these headers tells.
pub(super) fn told(status: u16, headers: &HeaderMap) -> Heard {
    if status == TOO_MANY_REQUESTS {
        return Heard::Blocked { retry_after_ms: retry_after_ms(headers) };
    }
    let remaining = by_name(headers, REMAINING);
    let (limits, resets) = (by_name(headers, LIMIT), by_name(headers, RESET));
    let sets = remaining.into_iter().filter_map(|(name, remaining)| {
        let count = |number: i64| u32::try_from(number).ok();
        Some(RateLimits {
            limit: count(*limits.get(name)?)?,
            remaining: count(remaining)?,
            reset_ms: resets.get(name)?.saturating_mul(1_000),
        })
    });
    // As long as one limit has room the request passes.
    sets.max_by_key(|told| (told.remaining, told.reset_ms)).map_or(Heard::Nothing, Heard::Limits)
}

/// `Retry-After`, else the longest of the resets.
pub(super) fn retry_after_ms(headers: &HeaderMap) -> i64 {
    let resets = by_name(headers, RESET).into_values().max();
    let wait = headers.get("retry-after").and_then(number).or(resets);
    wait.map_or(RETRY_AFTER_DEFAULT_MS, |s| s.saturating_mul(1_000).clamp(1_000, RETRY_AFTER_MS_MAX))
}

/// Numbers of the headers that begin so, by the name of the limit.
fn by_name<'a>(headers: &'a HeaderMap, prefix: &str) -> BTreeMap<&'a str, i64> {
    let named = headers
        .iter()
        .filter_map(|(header, value)| Some((header.as_str().strip_prefix(prefix)?, number(value)?)));
    named.collect()
}

fn number(value: &HeaderValue) -> Option<i64> {
    value.to_str().ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn wait(headers: &[(&'static str, &'static str)]) -> i64 {
        retry_after_ms(&map(headers))
    }

    #[test]
    fn the_wait_is_in_seconds_and_the_longest_limit_counts() {
        assert_eq!(wait(&[]), 60_000);
        assert_eq!(wait(&[("x-ratelimit-reset-default", "7"), ("x-ratelimit-reset-burst", "12")]), 12_000);
        assert_eq!(wait(&[("retry-after", "3"), ("x-ratelimit-reset-default", "7")]), 3_000);
        assert_eq!(wait(&[("x-ratelimit-reset-default", "0")]), 1_000);
        assert_eq!(wait(&[("x-ratelimit-reset-default", "1795424400")]), 600_000);
        assert_eq!(wait(&[("retry-after", "Mon, 23 Nov 2026 09:00:00 GMT")]), 60_000);
    }

    #[test]
    fn an_answer_tells_its_limit_under_any_name() {
        for (limit, remaining, reset) in [
            ("x-ratelimit-limit-default", "x-ratelimit-remaining-default", "x-ratelimit-reset-default"),
            ("x-ratelimit-limit-paid", "x-ratelimit-remaining-paid", "x-ratelimit-reset-paid"),
            ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
        ] {
            let told = told(500, &map(&[(limit, "120"), (remaining, "31"), (reset, "20")]));
            let wanted = RateLimits { limit: 120, remaining: 31, reset_ms: 20_000 };
            assert_eq!(told, Heard::Limits(wanted), "{limit}");
        }
    }

    #[test]
    fn of_several_limits_the_one_with_most_room_counts() {
        let several = map(&[
            ("x-ratelimit-limit-short", "5"),
            ("x-ratelimit-remaining-short", "0"),
            ("x-ratelimit-reset-short", "2"),
            ("x-ratelimit-limit-long", "800"),
            ("x-ratelimit-remaining-long", "799"),
            ("x-ratelimit-reset-long", "60"),
        ]);
        let wanted = RateLimits { limit: 800, remaining: 799, reset_ms: 60_000 };
        assert_eq!(told(200, &several), Heard::Limits(wanted));
    }

    #[test]
    fn a_429_blocks_and_what_is_incomplete_tells_nothing() {
        assert_eq!(
            told(429, &map(&[("x-ratelimit-reset-default", "9")])),
            Heard::Blocked { retry_after_ms: 9_000 }
        );
        assert_eq!(told(429, &map(&[])), Heard::Blocked { retry_after_ms: 60_000 });
        for headers in [
            &[][..],
            &[("x-ratelimit-limit-default", "120")],
            &[("x-ratelimit-limit-a", "120"), ("x-ratelimit-remaining-b", "1"), ("x-ratelimit-reset-a", "1")],
            &[("x-ratelimit-limit", "x"), ("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "1")],
            &[("x-ratelimit-limit", "120"), ("x-ratelimit-remaining", "-1"), ("x-ratelimit-reset", "1")],
        ] {
            assert_eq!(told(200, &map(headers)), Heard::Nothing, "{headers:?}");
        }
    }
}
