//! Numeric dates and clocks: straight parsers over the rest of a text, each gives what it found and what is
//! left, or nothing.

use jiff::{civil::Date, tz::Offset};

use super::token::Token;

type Found<'a, T> = Option<(T, &'a str)>;

/// Whatever begins with these figures; `None` when no shape fits. Behind a `T` a clock may have any offset;
/// elsewhere `10:00-11:00` is two clocks.
pub(super) fn figures(text: &str, is_after_t: bool) -> Found<'_, Token> {
    iso_date(text)
        .or_else(|| clock(text, is_after_t))
        .or_else(|| slashed(text))
        .or_else(|| dotted(text))
        .or_else(|| ordinal(text))
        .or_else(|| number(text))
}

/// `2026-11-24`, `2026/11/24`; a `T` before a clock goes with it.
fn iso_date(text: &str) -> Found<'_, Token> {
    let (year, rest) = digits(text, 4, 4)?;
    let divider = rest.chars().next().filter(|c| matches!(c, '-' | '/'))?;
    let (month, rest) = digits(rest.strip_prefix(divider)?, 1, 2)?;
    let (day, rest) = digits(rest.strip_prefix(divider)?, 1, 2)?;
    let token = date_of(year, month, day).map_or(Token::Strange, Token::IsoDate);
    Some((token, without_t(rest)))
}

/// A `T` between a date and its clock says nothing.
fn without_t(rest: &str) -> &str {
    let clock = rest.strip_prefix('t').filter(|clock| clock.starts_with(|c: char| c.is_ascii_digit()));
    clock.unwrap_or(rest)
}

/// `9:30`, `09:30:00.000Z`, `14:30+01:00`, `14h`, `14h30`. Seconds are checked and dropped.
fn clock(text: &str, is_after_t: bool) -> Found<'_, Token> {
    let (hour, rest) = digits(text, 1, 2)?;
    let is_padded = text.starts_with('0') && rest.len() + 2 == text.len();
    if let Some(after) = rest.strip_prefix('h') {
        let (minute, after) = digits(after, 2, 2).unwrap_or((0, after));
        let is_clock = minute < 60 && !after.starts_with(char::is_alphanumeric);
        return is_clock.then_some((Token::Clock { hour, minute, is_padded, offset: None }, after));
    }
    let (minute, mut rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let mut is_precise = false;
    if let Some((second, after)) = rest.strip_prefix(':').and_then(|seconds| digits(seconds, 2, 2)) {
        (is_precise, rest) = (second < 60, fraction(after));
        if !is_precise {
            return Some((Token::Strange, rest));
        }
    }
    let may_be_offset = is_after_t || !rest.starts_with('-');
    let offset = may_be_offset.then(|| offset(rest)).flatten();
    let (offset, rest) = offset.map_or((None, rest), |(offset, rest)| (Some(offset), rest));
    let is_padded = is_padded || is_precise || offset.is_some();
    let token = Token::Clock { hour, minute, is_padded, offset };
    Some((if minute < 60 && hour <= 24 { token } else { Token::Strange }, rest))
}

fn fraction(rest: &str) -> &str {
    rest.strip_prefix('.').and_then(|fraction| digits(fraction, 1, 9)).map_or(rest, |(_, rest)| rest)
}

/// `Z`, `+01:00`, `+0100`, `+01`, right behind a clock.
fn offset(rest: &str) -> Found<'_, Offset> {
    if let Some(rest) = rest.strip_prefix('z').filter(|rest| !rest.starts_with(char::is_alphanumeric)) {
        return Some((Offset::UTC, rest));
    }
    let sign = match rest.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let (hours, rest) = two_digits(rest.get(1..)?)?;
    let (minutes, rest) = two_digits(rest.strip_prefix(':').unwrap_or(rest)).unwrap_or((0, rest));
    let is_offset = hours <= 14 && minutes < 60 && !rest.starts_with([':', '.']);
    let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
    is_offset.then_some(())?;
    Some((Offset::from_seconds(seconds).ok()?, rest))
}

/// `24/11`, `11/24/2026`, `11/24/26`.
fn slashed(text: &str) -> Found<'_, Token> {
    let (first, rest) = digits(text, 1, 2)?;
    let (second, rest) = digits(rest.strip_prefix('/')?, 1, 2)?;
    let year = rest.strip_prefix('/').and_then(year);
    let (year, rest) = year.map_or((None, rest), |(year, rest)| (Some(year), rest));
    Some((Token::Slashed { first, second, year }, rest))
}

/// `24.11.2026`, `24.11.26`, `24.11.`, `24.11`. The last may be a clock: `14.30`.
fn dotted(text: &str) -> Found<'_, Token> {
    let (day, rest) = digits(text, 1, 2)?;
    let (month, after) = digits(rest.strip_prefix('.')?, 1, 2)?;
    let Some(rest) = after.strip_prefix('.') else {
        let digits = rest.len() - after.len() - 1;
        return Some((Token::Pair { first: day, second: month, digits }, after));
    };
    let year = year(rest);
    let (year, rest) = year.map_or((None, rest), |(year, rest)| (Some(year), rest));
    Some((Token::Dotted { day, month, year }, without_t(rest)))
}

/// Four digits, or two that end there: the `14` of `24.11.14:00` is none.
fn year(text: &str) -> Found<'_, u16> {
    if let Some(found) = digits(text, 4, 4) {
        return Some(found);
    }
    let (year, rest) = digits(text, 2, 2)?;
    let ends = rest.is_empty() || rest.starts_with([' ', ',', 't', '?', '\u{a0}']);
    ends.then_some((2000 + year, rest))
}

/// `24.`, `24th`, `1st`, `24ten`.
fn ordinal(text: &str) -> Found<'_, Token> {
    let (value, rest) = digits(text, 1, 2)?;
    if let Some(rest) = rest.strip_prefix('.') {
        return Some((Token::Ordinal(value), rest));
    }
    let endings = ["st", "nd", "rd", "th", "ter", "ten", "te"];
    let rest = endings.iter().find_map(|ending| {
        rest.strip_prefix(ending).filter(|rest| !rest.starts_with(char::is_alphanumeric))
    })?;
    Some((Token::Ordinal(value), rest))
}

fn number(text: &str) -> Found<'_, Token> {
    let (value, rest) = digits(text, 1, 4)?;
    Some((Token::Number { value, digits: text.len() - rest.len() }, rest))
}

/// A day that exists.
pub(super) fn date_of(year: u16, month: u16, day: u16) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// A number of `min` to `max` digits that is not followed by another digit. Up to four digits fit.
fn digits(text: &str, min: usize, max: usize) -> Found<'_, u16> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    if count < min || count > max {
        return None;
    }
    let (number, rest) = text.split_at_checked(count)?;
    Some((number.get(..count.min(4))?.parse().ok()?, rest))
}

/// Two digits, whatever follows.
fn two_digits(text: &str) -> Found<'_, u16> {
    let (number, rest) = text.split_at_checked(2)?;
    number.bytes().all(|b| b.is_ascii_digit()).then_some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::{super::token::cut, *};

    fn only(text: &str) -> Token {
        let tokens = cut(text);
        assert_eq!(tokens.len(), 1, "{text}: {tokens:?}");
        tokens.into_iter().next().unwrap()
    }

    #[test]
    fn dates_and_clocks_in_figures_keep_their_shape() {
        let day = |text: &str| Token::IsoDate(text.parse().unwrap());
        let clock = |hour, minute, is_padded| Token::Clock { hour, minute, is_padded, offset: None };
        let cases = [
            ("2026-11-24", day("2026-11-24")),
            ("2026/11/24", day("2026-11-24")),
            ("24.11.2026", Token::Dotted { day: 24, month: 11, year: Some(2026) }),
            ("24.11.26", Token::Dotted { day: 24, month: 11, year: Some(2026) }),
            ("24.11.", Token::Dotted { day: 24, month: 11, year: None }),
            ("24.11", Token::Pair { first: 24, second: 11, digits: 2 }),
            ("24/11", Token::Slashed { first: 24, second: 11, year: None }),
            ("11/24/26", Token::Slashed { first: 11, second: 24, year: Some(2026) }),
            ("9:30", clock(9, 30, false)),
            ("09:30", clock(9, 30, true)),
            ("9:30:00", clock(9, 30, true)),
            ("14h30", clock(14, 30, false)),
            ("14h", clock(14, 0, false)),
            ("24.", Token::Ordinal(24)),
            ("24th", Token::Ordinal(24)),
            ("24ten", Token::Ordinal(24)),
            ("0900", Token::Number { value: 900, digits: 4 }),
        ];
        for (text, token) in cases {
            assert_eq!(only(text), token, "{text}");
        }
    }

    #[test]
    fn a_date_and_its_clock_are_two_pieces() {
        for text in ["2026-11-24T14:00", "2026-11-24 14:00Z", "24.11.2026t14:00:00+01:00", "24.11.14:00"] {
            assert_eq!(cut(text).iter().filter(|t| !matches!(t, Token::Word(_))).count(), 2, "{text}");
        }
    }

    #[test]
    fn an_offset_and_the_end_of_a_span_are_told_apart() {
        assert_eq!(cut("2026-11-24T10:00-11:00").len(), 2);
        assert_eq!(cut("2026-11-24 10:00-11:00").len(), 4);
        assert_eq!(cut("10:00-11:00").len(), 3);
    }

    #[test]
    fn what_has_no_shape_is_strange() {
        for text in ["2026-13-01", "14:75", "26:00", "9:30:61", "12345", "11111111111111111111"] {
            assert!(cut(text).contains(&Token::Strange), "{text}");
        }
    }
}
