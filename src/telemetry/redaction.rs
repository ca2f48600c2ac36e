//! What a log line or an error may show of things that are personal or secret.
//!
//! The rule: no phone number, name, e-mail address, transcript, argument text, key or token is ever logged. Ids
//! of calls, companies and appointments are. Where a person has to be recognised in a log, these wrappers show
//! as much as helps to match two lines and no more. They do not allocate until they are written.

use std::fmt;

/// A phone number's last two digits: `***69`.
pub struct PhoneTail<'a>(pub &'a str);

impl fmt::Display for PhoneTail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.chars().filter(char::is_ascii_digit).count();
        f.write_str("***")?;
        if digits < 6 {
            return Ok(());
        }
        self.0
            .chars()
            .filter(char::is_ascii_digit)
            .skip(digits - 2)
            .try_for_each(|digit| fmt::Write::write_char(f, digit))
    }
}

/// An id that came from outside: letters, digits and `_-.:`, anything else as `?`, at most 64 characters.
pub struct OutsideId<'a>(pub &'a str);

const OUTSIDE_ID_CHARS_MAX: usize = 64;

impl fmt::Display for OutsideId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars().take(OUTSIDE_ID_CHARS_MAX) {
            let plain = character.is_ascii_alphanumeric() || "_-.:".contains(character);
            fmt::Write::write_char(f, if plain { character } else { '?' })?;
        }
        if self.0.chars().nth(OUTSIDE_ID_CHARS_MAX).is_some() { f.write_str("…") } else { Ok(()) }
    }
}

/// A text by its length alone: `(text of 120 bytes)`.
pub struct TextLength<'a>(pub &'a str);

impl fmt::Display for TextLength<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(text of {} bytes)", self.0.len())
    }
}

/// A URL without user, password, query and fragment, which is where URLs keep their secrets.
pub struct BareUrl<'a>(pub &'a str);

impl fmt::Display for BareUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((scheme, rest)) = self.0.split_once("://") else { return f.write_str("(not a URL)") };
        let (address, query) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
        // An @ this late is a query's, or belongs to a password that nobody escaped: nothing is safe to show.
        if query.contains('@') {
            return write!(f, "{scheme}://(hidden)");
        }
        let bare = address.rsplit_once('@').map_or(address, |(_, after)| after);
        write!(f, "{scheme}://{bare}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_shows_its_last_two_digits() {
        assert_eq!(PhoneTail("+49 30 83793369").to_string(), "***69");
        assert_eq!(PhoneTail("anonymous").to_string(), "***");
        assert_eq!(PhoneTail("110").to_string(), "***");
        assert_eq!(PhoneTail("").to_string(), "***");
    }

    #[test]
    fn an_id_from_outside_cannot_break_a_line_or_fill_it() {
        assert_eq!(OutsideId("call_a1-2.3:4").to_string(), "call_a1-2.3:4");
        assert_eq!(OutsideId("x\n{\"level\":\"ERROR\"}").to_string(), "x???level?:?ERROR??");
        let long = "a".repeat(65);
        assert_eq!(OutsideId(&long).to_string(), format!("{}…", "a".repeat(64)));
        assert_eq!(OutsideId(&long[..64]).to_string(), "a".repeat(64));
    }

    #[test]
    fn a_text_shows_only_how_long_it_is() {
        assert_eq!(TextLength("Guten Tag").to_string(), "(text of 9 bytes)");
    }

    #[test]
    fn a_url_loses_everything_that_may_be_secret() {
        assert_eq!(BareUrl("mysql://u:p@ss/w@db:3306/askpro?x=1").to_string(), "mysql://db:3306/askpro");
        assert_eq!(BareUrl("sqlite://./data/askpro.db").to_string(), "sqlite://./data/askpro.db");
        assert_eq!(BareUrl("hunter2").to_string(), "(not a URL)");
        assert_eq!(BareUrl("https://h/p#token").to_string(), "https://h/p");
        assert_eq!(BareUrl("redis://:p?w@h:1").to_string(), "redis://(hidden)");
    }
}
