//! Is it a name? Agents fill the name of the customer with whatever they have: a time, a member of staff, a
//! word for somebody who calls. Knows the company's own names, nothing of calls.

use crate::{
    phone::number_words::number_word,
    tenant::{Company, Staff},
    text::{fold, is_among, words},
};

/// What is said before a name.
const BEFORE: [&[&str]; 12] = [
    &["mein", "name", "ist"],
    &["mein", "name", "lautet"],
    &["der", "name", "ist"],
    &["ich", "heisse"],
    &["ich", "bin"],
    &["hier", "ist"],
    &["hier", "spricht"],
    &["my", "name", "is"],
    &["the", "name", "is"],
    &["this", "is"],
    &["i", "am"],
    &["i'm"],
];
/// Titles; a name may be one word that means something else when one stands before it.
const TITLES: &str = "herr herrn frau familie dr doktor prof mr mrs ms miss mister doctor";
/// Words for whoever calls, and names that stand for a name.
const NOBODY: &str = "\
    kunde kundin kunden anrufer anruferin anrufende anrufender interessent gast patient patientin person \
    name vorname nachname vollname voller vollstaendiger benutzer nutzer unbekannt unbekannter \
    unbekannte neuer neue neukunde anonym anonymer termin reservierung buchung anruf telefon test ich \
    niemand keiner kein nicht genannt angegeben bekannt customer client caller guest user unknown \
    anonymous private new appointment reservation booking call phone full first last your no not \
    provided given me somebody";
/// Articles and the like between them.
const SMALL_WORDS: &str = "der die das ein eine the a an of und";
/// Names that models make up.
const INVENTED: &str = "\
    johndoe janedoe maxmustermann erikamustermann mustermann musterfrau vornamenachname";
/// Words of which, with numbers, a time or a date is made.
const WHEN: &str = "\
    uhr heute morgen uebermorgen gestern jetzt sofort bald frueh vormittag vormittags nachmittag \
    nachmittags mittag mittags abend abends nacht woche wochen montag dienstag mittwoch donnerstag \
    freitag samstag sonnabend sonntag naechste naechsten naechster kommenden kommende um am gegen ab \
    nach vor halb viertel dreiviertel in today tomorrow tonight now soon morning afternoon evening noon \
    week weeks monday tuesday wednesday thursday friday saturday sunday next at on half past quarter to \
    oclock pm day after clock";

/// The name of whoever comes, without what was said before it; `None` when it is none.
pub(super) fn customer_name(text: &str, company: &Company, staff: &[&Staff]) -> Option<String> {
    let name = after_introduction(text);
    let words = words(&name);
    let is_named = words.len() > 1 && words.first().is_some_and(|first| is_among(TITLES, first));
    let all = |is: &dyn Fn(&str) -> bool| words.iter().all(|word| is(word) || is_among(SMALL_WORDS, word));
    let only = |list: &str| all(&|word| is_among(list, word));
    let is_time = || all(&|word| is_among(WHEN, word) || number_word(word).is_some());
    let is_no_name = words.is_empty()
        || name.contains('@')
        || name.chars().any(|c| c.is_ascii_digit())
        || !name.chars().any(char::is_alphabetic)
        || only(TITLES)
        || only(NOBODY)
        || is_among(INVENTED, &words.concat())
        || (!is_named && is_time());
    (!is_no_name && !is_of_company(&name, company, staff)).then_some(name)
}

/// Whether the company itself is called so: somebody who works there, a service, the company, a branch.
fn is_of_company(name: &str, company: &Company, staff: &[&Staff]) -> bool {
    let plain =
        |text: &str| -> String { words(text).into_iter().filter(|word| !is_among(TITLES, word)).collect() };
    let (own, whole) = (plain(name), fold(name));
    let same = |text: &str| fold(text) == whole;
    same(&company.name)
        || company.branches.iter().any(|branch| same(&branch.name))
        || staff.iter().any(|member| plain(&member.name) == own)
        || company.services.iter().any(|service| same(&service.name) || same(&service.slug))
}

/// "Mein Name ist Anna Schmidt" is Anna Schmidt.
fn after_introduction(text: &str) -> String {
    let spoken: Vec<&str> = text.split_whitespace().collect();
    let is_i_am = |word: &str| word.to_lowercase().replace('’', "'") == "i'm";
    let plain = |word: &&str| if is_i_am(word) { "i'm".to_owned() } else { fold(word) };
    let folded: Vec<String> = spoken.iter().map(plain).collect();
    let begins =
        |intro: &&&[&str]| folded.len() > intro.len() && folded.iter().zip(intro.iter()).all(|(a, b)| a == b);
    let skipped = BEFORE.iter().find(begins).map_or(0, |intro| intro.len());
    let name = spoken.get(skipped..).unwrap_or_default().join(" ");
    name.trim_matches(|c: char| matches!(c, '.' | ',' | ';' | '!' | '?' | ':')).to_owned()
}
