//! Texts of Cal.com that may become a part of an identity, a column or a path as they are.

/// Longest uid; Cal.com's have 22 characters.
pub(super) const UID_CHARS_MAX: usize = 100;

/// Whether a text of at most `chars_max` characters can be a part of an identity as it is.
pub(super) fn is_plain(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether a text can be a uid. `.` and `..` would name another place in an address.
pub(super) fn is_uid(text: &str) -> bool {
    is_plain(text, UID_CHARS_MAX) && !text.starts_with('.')
}
