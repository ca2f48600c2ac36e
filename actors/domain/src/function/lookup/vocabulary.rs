//! Words that mean the same in the trades that take appointments: German and English, folded. General on
//! purpose: what only one company says belongs into its services' `synonyms`.

use std::sync::LazyLock;

/// What a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Concept {
    Men,
    Women,
    Children,
    Hair,
    Cut,
    Wash,
    BlowDry,
    Style,
    Colour,
    Tint,
    Highlights,
    Perm,
    Beard,
    Shave,
    Fringe,
    Short,
    Long,
    Tooth,
    Cleaning,
    Checkup,
    Consultation,
    Massage,
    Back,
    Neck,
    Foot,
    Hand,
    Nail,
    Face,
    Brow,
    Lash,
    Care,
    HairRemoval,
    Physio,
    Tyre,
    Oil,
    Change,
    /// Says little: professional.
    Professional,
    /// Says little: a treatment, a session.
    Treatment,
    /// Says little: the usual one.
    Usual,
}

use Concept as C;

impl Concept {
    /// Whether a name means the same without it.
    pub(super) const fn is_weak(self) -> bool {
        matches!(self, C::Professional | C::Treatment | C::Usual)
    }

    /// Whether it is done to hair unless something else is named.
    pub(super) const fn is_done_to_hair(self) -> bool {
        matches!(
            self,
            C::Cut | C::Wash | C::BlowDry | C::Style | C::Colour | C::Tint | C::Highlights | C::Perm
        )
    }

    /// Whether it names something on a person or a thing.
    pub(super) const fn is_thing(self) -> bool {
        matches!(
            self,
            C::Beard
                | C::Fringe
                | C::Tooth
                | C::Foot
                | C::Hand
                | C::Nail
                | C::Face
                | C::Brow
                | C::Lash
                | C::Back
                | C::Neck
                | C::Tyre
                | C::Oil
        )
    }
}

/// Words with spaces between, and what each of them means.
type Groups = &'static [(&'static str, &'static [Concept])];
/// A word, and what it means.
type Entries = Vec<(&'static str, &'static [Concept])>;

/// Parts that words are put together from, and words themselves.
pub(super) static PARTS: LazyLock<Entries> = LazyLock::new(|| entries(PARTS_GROUPS));
/// Words that count only when they stand alone.
pub(super) static WORDS: LazyLock<Entries> = LazyLock::new(|| entries(WORDS_GROUPS));

fn entries(groups: Groups) -> Entries {
    groups.iter().flat_map(|(words, concepts)| words.split(' ').map(|word| (word, *concepts))).collect()
}

const PARTS_GROUPS: Groups = &[
    ("herren herrn maennern maenner mann", &[C::Men]),
    ("damen dame frauen frau", &[C::Women]),
    ("kindern kinder kind", &[C::Children]),
    ("haar", &[C::Hair]),
    ("schnitt schneiden trimmen", &[C::Cut]),
    ("waschen waesche", &[C::Wash]),
    ("foehnen foehn foen", &[C::BlowDry]),
    ("styling frisieren", &[C::Style]),
    ("faerben faerbung farbe farb coloration kolorieren", &[C::Colour]),
    ("toenung toenen", &[C::Tint]),
    ("straehnchen straehne", &[C::Highlights]),
    ("dauerwelle", &[C::Perm]),
    ("bart", &[C::Beard]),
    ("rasur rasieren", &[C::Shave]),
    ("pony", &[C::Fringe]),
    ("kurz", &[C::Short]),
    ("lang", &[C::Long]),
    ("zahn zaehne", &[C::Tooth]),
    ("reinigung reinigen", &[C::Cleaning]),
    ("kontroll vorsorge untersuchung", &[C::Checkup]),
    ("beratung besprechung", &[C::Consultation]),
    ("massage massieren", &[C::Massage]),
    ("ruecken", &[C::Back]),
    ("nacken", &[C::Neck]),
    ("fuss fuesse", &[C::Foot]),
    ("haende hand", &[C::Hand]),
    ("nagel naegel", &[C::Nail]),
    ("gesicht", &[C::Face]),
    ("augenbraue", &[C::Brow]),
    ("wimper", &[C::Lash]),
    ("pflege", &[C::Care]),
    ("haarentfernung enthaarung", &[C::HairRemoval]),
    ("physiotherapie krankengymnastik", &[C::Physio]),
    ("reifen raeder", &[C::Tyre]),
    ("wechsel", &[C::Change]),
    ("oelwechsel", &[C::Oil, C::Change]),
    ("behandlung", &[C::Treatment]),
    ("termin", &[]),
    ("professionell", &[C::Professional]),
    ("mundhygiene prophylaxe", &[C::Tooth, C::Cleaning]),
    ("manikuere", &[C::Hand, C::Care]),
    ("pedikuere", &[C::Foot, C::Care]),
];

const WORDS_GROUPS: Groups = &[
    ("pzr", &[C::Tooth, C::Cleaning]),
    ("oel oil", &[C::Oil]),
    (
        "jungen junge bub maedchen kid kids child childs children childrens boy boys girl girls",
        &[C::Children],
    ),
    ("physio kg physiotherapy", &[C::Physio]),
    ("kontrolle check checkup examination exam", &[C::Checkup]),
    ("normal normale normaler normalen einfach einfacher einfachen standard regular basic", &[C::Usual]),
    ("sitzung session treatment", &[C::Treatment]),
    ("professional", &[C::Professional]),
    ("men mens man mans gents gentleman gentlemen gentlemens male", &[C::Men]),
    ("women womens woman womans lady ladys ladies female", &[C::Women]),
    ("hair", &[C::Hair]),
    ("haircut haircuts", &[C::Hair, C::Cut]),
    ("cut cuts cutting trim", &[C::Cut]),
    ("wash washing shampoo", &[C::Wash]),
    ("blow dry blowdry blowout", &[C::BlowDry]),
    ("style stylen", &[C::Style]),
    ("colour color colouring coloring dye dyeing", &[C::Colour]),
    ("tint", &[C::Tint]),
    ("highlight highlights", &[C::Highlights]),
    ("perm", &[C::Perm]),
    ("beard", &[C::Beard]),
    ("shave shaving", &[C::Shave]),
    ("fringe bangs", &[C::Fringe]),
    ("short", &[C::Short]),
    ("long", &[C::Long]),
    ("tooth teeth dental", &[C::Tooth]),
    ("cleaning clean", &[C::Cleaning]),
    ("consultation consult advice", &[C::Consultation]),
    ("back", &[C::Back]),
    ("neck", &[C::Neck]),
    ("foot feet", &[C::Foot]),
    ("hands", &[C::Hand]),
    ("nail nails", &[C::Nail]),
    ("face", &[C::Face]),
    ("facial", &[C::Face, C::Treatment]),
    ("brow brows eyebrow eyebrows", &[C::Brow]),
    ("lash lashes eyelash eyelashes", &[C::Lash]),
    ("care", &[C::Care]),
    ("manicure", &[C::Hand, C::Care]),
    ("pedicure", &[C::Foot, C::Care]),
    ("waxing", &[C::HairRemoval]),
    ("tyre tyres tire tires", &[C::Tyre]),
    ("change", &[C::Change]),
];

/// Letters between the parts of a word and at its end.
pub(super) const LINKS: &str = "en er es e n s em";

/// Words that say nothing of what is wanted. "Oder" is none of them: it asks for two things.
pub(super) const FILLERS: &str = "\
    ich wir moechte moechten haette haetten gern gerne will wuerde wuensche brauche brauchen bitte mal \
    mir mich ein eine einen einem einer eines der die das den dem des fuer zum zur zu von vom mit \
    inklusive inkl und am im in auf ganz nur so termin termine buchen buchung vereinbaren machen lassen \
    bekommen leistung service services dienstleistung mein meine meinen meiner meinem appointment \
    appointments book booking schedule a an the for please would like to i id im want need get have got \
    my with and of just only some up";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_folded_and_unique() {
        let all: Vec<&str> = PARTS.iter().chain(WORDS.iter()).map(|(text, _)| *text).collect();
        for text in all.iter().copied().chain(FILLERS.split(' ')).chain(LINKS.split(' ')) {
            assert_eq!(crate::text::fold(text), text);
        }
        for (at, text) in all.iter().enumerate() {
            assert!(!all.iter().skip(at + 1).any(|other| other == text), "{text}");
        }
        // Shorter parts would be found inside words that have nothing to do with them.
        assert!(PARTS.iter().all(|(text, _)| text.len() >= 4));
    }
}
