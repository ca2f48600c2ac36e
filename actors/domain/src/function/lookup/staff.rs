//! Finds a member of staff by name, with titles and words around it.

use super::{
    Found, PREFIX_LETTERS_MIN, WORDS_MAX, best,
    sound::{is_vowel, rough_sound, sound},
};
use crate::{
    ids::StaffId,
    tenant::Staff,
    text::{fold, is_among, typos, typos_allowed, words},
};

/// Longest name in which a letter more, less or another makes another name: Leo, Lea, Lena, Jan, Jana.
const SHORT_NAME_LETTERS: usize = 4;

/// Words around a name.
const AROUND: &str = "\
    bei beim der dem den die das von vom mit zu zum zur wieder gern gerne bitte am liebsten lieber meine \
    meiner meinem mein unser unserer unserem kollege kollegin kollegen with at the by to my please \
    preferably again rather our colleague";
/// Titles; alone they name nobody.
const TITLES: &str = "\
    herr herrn frau fraeulein frl dr doktor doctor prof professor professorin dipl ing med dent vet mr \
    mrs ms miss mister madam sir mag";
/// What people do here; alone they mean whoever is free.
const ROLES: &str = "\
    mitarbeiter mitarbeiterin mitarbeitern personal team friseur friseurin frisoer frisoerin stylist \
    stylistin barbier meister meisterin therapeut therapeutin zahnarzt zahnaerztin arzt aerztin staff \
    employee hairdresser barber dentist therapist doctors person leute people";
/// Words that leave the choice open.
const ANY_WORDS: &str = "\
    egal wurscht wurst beliebig beliebige beliebiger beliebigen irgendwer irgendjemand irgendein \
    irgendeiner irgendeine irgendeinem irgendwem jemand jemandem jeder jede jedem alle allen wer ist mir \
    frei gerade zeit hat da welcher any anyone anybody someone somebody whoever whomever everyone is \
    free available first next no preference keine kein praeferenz wunsch vorliebe doesnt matter";
/// Of these at least one must be there before the choice counts as open.
const ANY_KEYS: &str = "\
    wer egal wurscht wurst beliebig beliebige beliebiger beliebigen irgendwer irgendjemand irgendein \
    irgendeiner irgendeine irgendeinem irgendwem jemand jemandem jeder jede jedem alle allen any anyone \
    anybody someone somebody whoever whomever everyone preference praeferenz wunsch vorliebe available";
/// Whole answers that leave the choice open.
const ANY_PHRASES: &str = "\
    spieltkeinerolle doesntmatter doesnotmatter idontcare dontcare idontmind niemandbestimmtes \
    niemandbestimmten nooneinparticular firstavailable nein no";

/// Whether a text names nobody in particular: "egal", "wer gerade frei ist", "any available stylist". Whoever is
/// called so is named.
#[must_use]
pub fn is_anybody(text: &str, staff: &[&Staff]) -> bool {
    let words = words(text);
    let is_name = |word| staff.iter().any(|member| Person::of(member).words.contains(word));
    if words.iter().any(is_name) {
        return false;
    }
    if is_among(ANY_PHRASES, &words.concat()) {
        return true;
    }
    let known = |word: &String| is_among(ANY_WORDS, word) || is_among(AROUND, word) || is_among(ROLES, word);
    let key = |word: &String| is_among(ANY_KEYS, word) || is_among(ROLES, word);
    !words.is_empty() && words.iter().all(known) && words.iter().any(key)
}

/// Looks somebody up: by the whole name, by some of its words in any order, by sound, by the beginning of a
/// word, then with the fewest typing errors. The first of these that fits anybody decides.
#[must_use]
pub fn find_staff(wanted: &str, staff: &[&Staff]) -> Found<StaffId> {
    let people: Vec<Person> = staff.iter().map(|member| Person::of(member)).collect();
    let wanted = Wanted::of(wanted, &people);
    if wanted.words.is_empty() || wanted.words.len() > WORDS_MAX {
        return Found::Nobody;
    }
    let stages: [Stage<'_>; 6] = [
        &|p| (p.words == wanted.words).then_some(0),
        &|p| {
            if p.slug == wanted.whole {
                Some(0)
            } else {
                wanted.each(p, |word, own| (word == own).then_some(0))
            }
        },
        &|p| wanted.each(p, |word, own| (word == own || is_initial(word, own)).then_some(0)),
        &|p| wanted.each(p, |word, own| (sound(word) == sound(own)).then_some(0)),
        &|p| wanted.each(p, |word, own| is_beginning(word, own).then_some(0)),
        &|p| wanted.each(p, misspelled),
    ];
    let found = stages.iter().map(|stage| best(people.iter().map(|person| (person.id, stage(person)))));
    Found::of(found.into_iter().find(|ids| !ids.is_empty()).unwrap_or_default())
}

/// Measures how well somebody fits; `None` when not at all.
type Stage<'a> = &'a dyn Fn(&Person) -> Option<usize>;

struct Person {
    id: StaffId,
    slug: String,
    words: Vec<String>,
}

impl Person {
    fn of(member: &Staff) -> Self {
        let all = words(&member.name);
        let names: Vec<String> = all.iter().filter(|word| !is_among(TITLES, word)).cloned().collect();
        Self { id: member.id, slug: fold(&member.slug), words: if names.is_empty() { all } else { names } }
    }
}

struct Wanted {
    whole: String,
    words: Vec<String>,
}

impl Wanted {
    /// The words that may be a name: what stands around names is left out unless somebody is called so.
    fn of(text: &str, people: &[Person]) -> Self {
        let is_name = |word: &String| people.iter().any(|person| person.words.contains(word));
        let around =
            |word: &String| is_among(AROUND, word) || is_among(TITLES, word) || is_among(ROLES, word);
        let words: Vec<String> = words(text).into_iter().filter(|w| is_name(w) || !around(w)).collect();
        Self { whole: fold(text), words }
    }

    /// The sum over all wanted words, each with another word of the person; `None` when one has none.
    fn each(&self, person: &Person, measure: impl Fn(&str, &str) -> Option<usize>) -> Option<usize> {
        let mut free: Vec<&String> = person.words.iter().collect();
        let mut sum = 0;
        for word in &self.words {
            let measured = free.iter().enumerate().filter_map(|(at, own)| Some((measure(word, own)?, at)));
            let (least, at) = measured.min()?;
            free.remove(at);
            sum += least;
        }
        Some(sum)
    }
}

/// `Mia B.`
fn is_initial(word: &str, own: &str) -> bool {
    word.chars().count() == 1 && own.starts_with(word)
}

/// `Kath`; but Jan is not the beginning of Jana.
fn is_beginning(word: &str, own: &str) -> bool {
    let (letters, all) = (word.chars().count(), own.chars().count());
    let is_another = letters <= SHORT_NAME_LETTERS && all == letters + 1;
    letters >= PREFIX_LETTERS_MIN && own.starts_with(word) && !is_another
}

/// Typing errors. In short names only those that hardly make another name of one, and the first letter must be
/// right: consonants that are heard alike (Uto), a vowel and a consonant in the wrong order (Uod). Whoever
/// means another name is asked, and hears whom there is.
fn misspelled(word: &str, own: &str) -> Option<usize> {
    let letters = word.chars().count().min(own.chars().count());
    if letters < 3 {
        return None;
    }
    if letters > SHORT_NAME_LETTERS {
        return typos(word, own, typos_allowed(letters));
    }
    let same_start = word.chars().next() == own.chars().next();
    let alike = rough_sound(word) == rough_sound(own) || is_swapped(word, own);
    (same_start && alike).then_some(1)
}

/// Whether two neighbours, not both of them vowels, have changed places, and nothing else.
fn is_swapped(word: &str, own: &str) -> bool {
    if word.chars().count() != own.chars().count() {
        return false;
    }
    let mut differing = word.chars().zip(own.chars()).enumerate().filter(|(_, (a, b))| a != b);
    match (differing.next(), differing.next(), differing.next()) {
        (Some((first, (a, b))), Some((second, (c, d))), None) => {
            second == first + 1 && (a, b) == (d, c) && !(is_vowel(a) && is_vowel(b))
        }
        _ => false,
    }
}
