//! Whether what is said to the outside repeats what came in.

/// The first text of `length` bytes that a message and an input have in common, if any, where `known` (what the
/// message says anyway) does not have it too.
#[must_use]
pub fn shared_text(message: &str, input: &[u8], length: usize, known: &[&str]) -> Option<String> {
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(length).any(|window| window == part);
    let parts = message.as_bytes().windows(length);
    let mut shared =
        parts.filter(|part| has(input, part) && !known.iter().any(|text| has(text.as_bytes(), part)));
    shared.next().map(|part| String::from_utf8_lossy(part).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_message_repeats_is_found_and_what_it_says_anyway_is_not() {
        let input = b"{\"name\":\"Anna Schmidt\",\"call_id\":1}";
        assert_eq!(shared_text("no place for Anna Schmidt", input, 8, &[]).as_deref(), Some("Anna Sch"));
        assert_eq!(shared_text("`call_id` is missing", input, 7, &["call_id"]), None);
        assert_eq!(shared_text("", input, 7, &[]), None);
    }
}
