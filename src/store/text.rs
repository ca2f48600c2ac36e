//! Text on its way into a column, checked before the database sees it.
//!
//! Ids must be stored as they are or not at all. Both servers' `utf8mb4_bin` ignores spaces at the end
//! when it compares, so an id that ends in one would be another id there: it is refused. Display text is
//! cut at a character, and NUL (which command-line tools take for the end) becomes U+FFFD.

use std::borrow::Cow;

use askpro_actors::ports::stores::StoreError;

/// Whether an id of at most `chars_max` characters can be stored exactly.
pub(super) fn is_id(text: &str, chars_max: usize) -> bool {
    let fits = !text.is_empty() && (text.len() <= chars_max || text.chars().count() <= chars_max);
    fits && !text.ends_with(' ') && !text.contains('\0')
}

/// An id as it is. Errors: [`StoreError::Refused`], which names the column but not the value.
pub(super) fn id<'a>(column: &'static str, text: &'a str, chars_max: usize) -> Result<&'a str, StoreError> {
    if is_id(text, chars_max) {
        return Ok(text);
    }
    Err(StoreError::Refused(format!(
        "{column} must have 1 to {chars_max} characters, no NUL, and no space at its end"
    )))
}

/// Display text, cut to `chars_max` characters, without NUL.
pub(super) fn clip(text: &str, chars_max: usize) -> Cow<'_, str> {
    let cut = match text.char_indices().nth(chars_max) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    };
    if cut.contains('\0') { Cow::Owned(cut.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(cut) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_text_is_cut_at_a_character_and_loses_its_nuls() {
        assert_eq!(clip("äöü", 2), "äö");
        assert_eq!(clip("🎈🎈", 1), "🎈");
        assert_eq!(clip("a\0b", 3), "a\u{fffd}b");
        assert_eq!(clip("", 3), "");
    }

    #[test]
    fn ids_that_a_server_would_take_for_others_are_refused() {
        assert!(is_id("call_ü", 6) && is_id(" a", 128));
        for bad in ["", "a ", "a\0b", "toolong"] {
            assert!(!is_id(bad, 6), "{bad:?}");
        }
    }
}
