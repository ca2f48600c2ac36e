//! E-mail addresses as they are written, spoken and spelled: "anna punkt schmidt at gmail punkt com",
//! "a wie Anton n n a at example dot org". What leaves a doubt is no address.

use crate::{
    phone::number_words::{NumberWord, is_large_number, number_word},
    phone::spoken_digits,
    text::{fold, is_among},
};

/// Longest address, in bytes.
const ADDRESS_BYTES_MAX: usize = 254;

/// Signs by their names.
const SIGNS: [(&str, char); 29] = [
    ("@", '@'),
    ("at", '@'),
    ("aet", '@'),
    ("aett", '@'),
    ("klammeraffe", '@'),
    ("atzeichen", '@'),
    (".", '.'),
    ("punkt", '.'),
    ("dot", '.'),
    ("point", '.'),
    ("period", '.'),
    ("-", '-'),
    ("bindestrich", '-'),
    ("minus", '-'),
    ("minuszeichen", '-'),
    ("dash", '-'),
    ("hyphen", '-'),
    ("strich", '-'),
    ("mittelstrich", '-'),
    ("_", '_'),
    ("unterstrich", '_'),
    ("underscore", '_'),
    ("underline", '_'),
    ("tiefstrich", '_'),
    ("understrich", '_'),
    ("+", '+'),
    ("plus", '+'),
    ("pluszeichen", '+'),
    ("aetzeichen", '@'),
];
/// Words that were said around the address; those before "ist" go with it.
const AROUND: &str = "\
    bitte please danke thanks alles all klein kleingeschrieben geschrieben lowercase lower case \
    kleinbuchstaben in also das der die the email mail adresse emailadresse mailadresse address";
/// Words that say that the parts are one word.
const JOINED: &str = "zusammen zusammengeschrieben together";
/// The same in several words.
const JOINED_PHRASES: [&str; 4] = ["in einem wort", "ein wort", "in one word", "one word"];
/// Last parts of domains that may stand without "punkt" before them.
const TOP_LEVELS: &str = "\
    de at ch com net org info eu uk io me biz li lu nl fr it es pl us ca dev app be dk se cz ie";
/// Providers whose names are heard as two words.
const PROVIDERS: [(&str, &str); 10] = [
    ("tonline", "t-online"),
    ("gmail", "gmail"),
    ("googlemail", "googlemail"),
    ("hotmail", "hotmail"),
    ("outlook", "outlook"),
    ("icloud", "icloud"),
    ("protonmail", "protonmail"),
    ("freenet", "freenet"),
    ("yahoo", "yahoo"),
    ("webmail", "webmail"),
];

/// Reads an address, written or spoken; a spoken one is in lower case. `None` when it is none, or when it could
/// be two.
pub(super) fn read_email(text: &str) -> Option<String> {
    let written =
        text.trim_start_matches("mailto:").trim_matches(['<', '>', '"', '.', ',', ';', '!', '?', ' ']);
    if is_email(written) {
        return Some(written.to_owned());
    }
    let pieces = pieces(text)?;
    let at = pieces.iter().position(|piece| *piece == Piece::Sign('@'))?;
    let (local, domain) = pieces.split_at_checked(at)?;
    let is_joined = pieces.contains(&Piece::Joined);
    let address = format!("{}@{}", local_part(local, is_joined)?, domain_part(domain.get(1..)?)?);
    (address.is_ascii() && is_email(&address)).then_some(address)
}

/// A light check: one `@` with something before it, a dot inside the domain, no spaces.
pub(super) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let dotted = domain.split('.').count() >= 2 && domain.split('.').all(|label| !label.is_empty());
    let fits = text.len() <= ADDRESS_BYTES_MAX && !domain.contains('@');
    fits && !local.is_empty() && dotted && !text.contains([' ', '<', '>', ',', ';'])
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// `@`, `.`, `-`, `_`, `+`.
    Sign(char),
    Letter(char),
    Word(String),
    Digits(String),
    /// Two or three times what follows.
    Times(usize),
    /// "zusammengeschrieben".
    Joined,
}

/// The pieces of a spoken address, without what was said around it.
fn pieces(text: &str) -> Option<Vec<Piece>> {
    let tokens = tokens(text);
    let start =
        tokens.iter().rposition(|token| matches!(fold(token).as_str(), "ist" | "is" | "lautet" | "its"));
    let tokens = without_around(tokens.get(start.map_or(0, |at| at + 1)..)?);
    let mut pieces = Vec::new();
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        let next = after.first().map(String::as_str).unwrap_or_default();
        let digits = number_tokens(rest);
        let taken = if digits > 0 {
            let said = rest.get(..digits)?.iter().map(String::as_str);
            pieces.push(Piece::Digits(spoken_digits(said)?));
            digits
        } else if let Some(sign) = two_word_sign(token, next) {
            pieces.push(Piece::Sign(sign));
            2
        } else if let Some(words) = spelling_words(pieces.last(), rest) {
            words
        } else {
            pieces.push(piece(token, pieces.contains(&Piece::Sign('@')))?);
            1
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    doubled(pieces)
}

/// Without the words that were said before and after. A word beside a sign is part of the address.
fn without_around(mut tokens: &[String]) -> &[String] {
    let is_around = |token: &String| is_among(AROUND, &fold(token));
    let is_sign = |token: &String| sign_of(token).is_some();
    while let [first, rest @ ..] = tokens
        && is_around(first)
        && !rest.first().is_some_and(is_sign)
    {
        tokens = rest;
    }
    while let [rest @ .., last] = tokens
        && is_around(last)
        && !rest.last().is_some_and(is_sign)
    {
        tokens = rest;
    }
    tokens
}

/// How many tokens from the first on say digits: "fünf und achtzig", "doppel drei", "1985".
fn number_tokens(tokens: &[String]) -> usize {
    let word = |at: usize| tokens.get(at).and_then(|token: &String| number_word(&fold(token)));
    let is_digits = |at: usize| {
        tokens.get(at).is_some_and(|t| t.chars().all(|c| c.is_ascii_digit()))
            || word(at).is_some_and(|word| !matches!(word, NumberWord::Times(_)))
    };
    let mut count = 0;
    loop {
        let is_and = count > 0
            && tokens.get(count).is_some_and(|token| token == "und")
            && matches!(word(count - 1), Some(NumberWord::Digit(_)))
            && matches!(word(count + 1), Some(NumberWord::Tens(_)));
        let is_times = matches!(word(count), Some(NumberWord::Times(_))) && is_digits(count + 1);
        if !(is_digits(count) || is_and || is_times) {
            return count;
        }
        count += 1;
    }
}

/// Words, digits and signs. A dot or a dash counts only inside a word; beside a space it is only punctuation.
fn tokens(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace("(at)", " @ ").replace("[at]", " @ ").replace("(dot)", " . ");
    let lower = lower.replace("[dot]", " . ").replace("e-mail", "email").replace("t-zeichen", "tzeichen");
    let lower = JOINED_PHRASES.iter().fold(lower, |text, phrase| text.replace(phrase, " zusammen "));
    let mut tokens = Vec::new();
    for chunk in lower.split_whitespace() {
        let inside = chunk.trim_matches(['.', ',', ';', ':', '!', '?', '(', ')', '"', '\'']);
        if inside.is_empty() && matches!(chunk, "." | "-" | "_") {
            tokens.push(chunk.to_owned());
            continue;
        }
        let is_spelled =
            inside.chars().count() > 4 && inside.split('-').all(|part| part.chars().count() == 1);
        let mut word = String::new();
        for c in inside.chars() {
            let is_sign = matches!(c, '@' | '.' | '-' | '_' | '+');
            if !is_sign && c != ',' {
                word.push(c);
                continue;
            }
            tokens.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
            if is_sign && !(is_spelled && c == '-') {
                tokens.push(c.to_string());
            }
        }
        tokens.extend(Some(word).filter(|word| !word.is_empty()));
    }
    tokens
}

fn two_word_sign(token: &str, next: &str) -> Option<char> {
    match (token, next) {
        ("unter", "strich") | ("under", "score") => Some('_'),
        ("binde" | "mittel", "strich") => Some('-'),
        ("at", "zeichen" | "sign") | ("ät", "zeichen") => Some('@'),
        _ => None,
    }
}

/// "a wie Anton", "b as in bravo": the letter stands; gives how many words say only which one it is.
fn spelling_words(before: Option<&Piece>, rest: &[String]) -> Option<usize> {
    let Some(Piece::Letter(letter)) = before else { return None };
    let word = |at: usize| rest.get(at).map(String::as_str).unwrap_or_default();
    let like = match (word(0), word(1)) {
        ("as", "in") => 2,
        ("wie" | "like" | "as" | "for", _) => 1,
        _ => return None,
    };
    fold(word(like)).starts_with(&fold(&letter.to_string())).then_some(like + 1)
}

/// What a token says. After the `@` "at" is Austria.
fn piece(token: &str, after_at: bool) -> Option<Piece> {
    let folded = fold(token);
    let folded = folded.as_str();
    if is_among(JOINED, folded) {
        return Some(Piece::Joined);
    }
    if let Some(sign) = sign_of(token).filter(|sign| !(after_at && *sign == '@' && folded == "at")) {
        return Some(Piece::Sign(sign));
    }
    if let Some(NumberWord::Times(times)) = number_word(folded) {
        return Some(Piece::Times(times));
    }
    if is_large_number(folded) {
        return None;
    }
    let mut letters = token.chars();
    Some(match (letters.next(), letters.next()) {
        (Some(letter), None) => Piece::Letter(letter),
        _ => Piece::Word(token.to_owned()),
    })
}

/// The sign that a token is or names.
fn sign_of(token: &str) -> Option<char> {
    let folded = fold(token);
    let name = if folded.is_empty() { token } else { folded.as_str() };
    SIGNS.iter().find(|(word, _)| *word == name).map(|(_, sign)| *sign)
}

/// "doppel n", "double 3".
fn doubled(pieces: Vec<Piece>) -> Option<Vec<Piece>> {
    let mut out = Vec::with_capacity(pieces.len());
    let mut times = None;
    for piece in pieces {
        match (times.take(), piece) {
            (None, Piece::Times(wanted)) => times = Some(wanted),
            (None, piece) => out.push(piece),
            (Some(wanted), piece @ (Piece::Letter(_) | Piece::Digits(_))) => {
                out.extend(std::iter::repeat_n(piece, wanted));
            }
            (Some(_), _) => return None,
        }
    }
    times.is_none().then_some(out)
}

/// Letters, words and digits joined by the signs between them. Two words with nothing between could be joined
/// or parted in several ways.
fn local_part(pieces: &[Piece], is_joined: bool) -> Option<String> {
    let mut out = String::new();
    let mut after_word = false;
    for piece in pieces {
        let is_word = matches!(piece, Piece::Word(_));
        if after_word && is_word && !is_joined {
            return None;
        }
        match piece {
            Piece::Sign('@') | Piece::Times(_) => return None,
            Piece::Sign(sign) => out.push(*sign),
            Piece::Letter(letter) => out.push(*letter),
            Piece::Word(text) | Piece::Digits(text) => out.push_str(text),
            Piece::Joined => continue,
        }
        after_word = is_word;
    }
    let signs = ['.', '-', '_', '+'];
    let is_clean = !out.starts_with(signs) && !out.ends_with(signs) && !out.contains("..");
    (is_clean && !out.is_empty()).then_some(out)
}

/// Labels between dots. The last word may be a top level without its dot: "web de".
fn domain_part(pieces: &[Piece]) -> Option<String> {
    let pieces: Vec<Piece> = pieces.iter().filter(|piece| **piece != Piece::Joined).cloned().collect();
    let mut labels: Vec<Vec<Piece>> =
        pieces.split(|piece| *piece == Piece::Sign('.')).map(<[_]>::to_vec).collect();
    let without_dot = match labels.last_mut() {
        Some(last) if last.len() > 1 => last.pop_if(|piece| is_top_level(piece)),
        _ => None,
    };
    let second_level = match labels.last_mut() {
        Some(last) if without_dot.is_some() && last.len() > 1 => {
            last.pop_if(|piece| *piece == Piece::Word("co".to_owned()))
        }
        _ => None,
    };
    labels.extend([second_level, without_dot].into_iter().flatten().map(|top| vec![top]));
    let labels: Option<Vec<String>> = labels.iter().map(|label| domain_label(label)).collect();
    labels.map(|labels| labels.join("."))
}

fn is_top_level(piece: &Piece) -> bool {
    matches!(piece, Piece::Word(word) if is_among(TOP_LEVELS, word))
}

fn domain_label(pieces: &[Piece]) -> Option<String> {
    let has_sign = pieces.iter().any(|piece| matches!(piece, Piece::Sign(_)));
    let words = pieces.iter().filter(|piece| matches!(piece, Piece::Word(_))).count();
    let text = local_part(pieces, true)?;
    if has_sign || words == 0 || pieces.len() == 1 {
        return (!text.contains(['_', '+'])).then_some(text);
    }
    let known = PROVIDERS.iter().find(|(heard, _)| *heard == text).map(|(_, name)| (*name).to_owned());
    // A letter or a number before one word is part of it: "1 und 1" is not, and two words are not joined.
    known.or_else(|| (words == 1).then_some(text))
}
