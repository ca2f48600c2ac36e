//! Panics in the log: where they came from, and never what was in them. A formatted text may hold a caller's words
//! (one of a broken slice quotes the whole string), so only literal texts are told.

use std::{any::Any, panic};

/// From now on every panic of the process is one line of the log.
pub fn log_without_words() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic.place = %place, panic.text = literal(panicked.payload()), "a panic");
    }));
}

fn literal(payload: &(dyn Any + Send)) -> Option<&'static str> {
    payload.downcast_ref::<&'static str>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_in_the_code_is_told() {
        assert_eq!(literal(&"a literal"), Some("a literal"));
        assert_eq!(literal(&"byte index 1 is inside 'ä' of `Anna Schäfer`".to_owned()), None);
        assert_eq!(literal(&7), None);
    }
}
