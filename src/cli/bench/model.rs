//! How many calls begin per second, and how long each lasts: from what was asked for.

/// Mean length of a call unless both the rate and the number of calls are given, in seconds.
pub(super) const CALL_S: f64 = 30.0;
/// Calls at the same time when nothing was asked for.
pub(super) const CONCURRENT_CALLS: u32 = 100;

/// The traffic. `concurrent_calls = calls_per_s x call_s` (Little's law).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Model {
    /// Calls that begin per second, on average.
    pub(super) calls_per_s: f64,
    /// Calls that are live at the same time, on average.
    pub(super) concurrent_calls: u32,
    /// Mean length of a call, in seconds.
    pub(super) call_s: f64,
    /// Webhook events of one call, copies included.
    pub(super) events_per_call: f64,
}

impl Model {
    /// From the calls at the same time and the webhook events per second, each of which may be left open.
    pub(super) fn derive(concurrent_calls: Option<u32>, rate: Option<f64>, events_per_call: f64) -> Self {
        let events_per_call = events_per_call.max(1.0);
        let Some(rate) = rate else {
            let concurrent_calls = concurrent_calls.unwrap_or(CONCURRENT_CALLS);
            let calls_per_s = f64::from(concurrent_calls) / CALL_S;
            return Self { calls_per_s, concurrent_calls, call_s: CALL_S, events_per_call };
        };
        let calls_per_s = rate / events_per_call;
        let derived = (calls_per_s * CALL_S).round().max(1.0) as u32;
        let concurrent_calls = concurrent_calls.unwrap_or(derived);
        let call_s = f64::from(concurrent_calls) / calls_per_s;
        Self { calls_per_s, concurrent_calls, call_s, events_per_call }
    }

    /// Webhook events per second, copies included, function calls left out.
    pub(super) fn events_per_s(&self) -> f64 {
        self.calls_per_s * self.events_per_call
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_rate_calls_last_thirty_seconds() {
        let model = Model::derive(Some(600), None, 5.0);
        assert_eq!((model.calls_per_s, model.call_s), (20.0, 30.0));
        assert_eq!(model.events_per_s(), 100.0);
        assert_eq!(Model::derive(None, None, 5.0).concurrent_calls, CONCURRENT_CALLS);
    }

    #[test]
    fn a_rate_alone_says_how_many_calls_there_are() {
        let model = Model::derive(None, Some(100.0), 5.0);
        assert_eq!((model.calls_per_s, model.concurrent_calls), (20.0, 600));
    }

    #[test]
    fn with_both_the_length_of_a_call_gives_way() {
        let model = Model::derive(Some(1_000), Some(2_000.0), 5.0);
        assert_eq!((model.calls_per_s, model.call_s), (400.0, 2.5));
        assert_eq!(model.events_per_s(), 2_000.0);
    }
}
