//! How a name sounds: speech recognition writes Maier for Meyer, Stephan for Stefan, Schmitt for Schmidt.

/// Spellings of one sound, longest first; read from left to right.
const SPELLINGS: [(&str, &str); 21] = [
    ("tsch", "tsch"),
    ("sch", "sch"),
    ("ch", "ch"),
    ("ph", "f"),
    ("th", "t"),
    ("dt", "t"),
    ("ck", "k"),
    ("tz", "z"),
    ("qu", "kw"),
    ("ai", "ei"),
    ("ay", "ei"),
    ("ey", "ei"),
    ("ei", "ei"),
    ("ie", "i"),
    ("ou", "u"),
    ("c", "k"),
    ("y", "i"),
    ("v", "f"),
    ("x", "ks"),
    ("z", "s"),
    ("d", "d"),
];

/// The sound of a folded name: equal texts sound alike.
pub(super) fn sound(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let known = SPELLINGS.iter().find_map(|(from, to)| Some((*to, rest.strip_prefix(from)?)));
        let one = rest.get(first.len_utf8()..).unwrap_or_default();
        match known {
            Some((sound, after)) => {
                out.push_str(sound);
                rest = after;
            }
            None => {
                // A silent h only makes the vowel before it long.
                let is_silent = first == 'h' && out.ends_with(is_vowel) && !one.starts_with(is_vowel);
                if !is_silent {
                    out.push(first);
                }
                rest = one;
            }
        }
    }
    harden_end(&mut out);
    without_doubles(&out)
}

/// The sound as a bad line leaves it: hard and soft consonants alike, and j as i.
pub(super) fn rough_sound(name: &str) -> String {
    let rough = |c| match c {
        'd' => 't',
        'b' => 'p',
        'g' => 'k',
        'j' => 'i',
        c => c,
    };
    without_doubles(&sound(name).chars().map(rough).collect::<String>())
}

pub(super) fn is_vowel(c: char) -> bool {
    "aeiou".contains(c)
}

fn harden_end(text: &mut String) {
    let hard = match text.chars().last() {
        Some('d') => 't',
        Some('b') => 'p',
        Some('g') => 'k',
        _ => return,
    };
    text.pop();
    text.push(hard);
}

fn without_doubles(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !out.ends_with(c) {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_sound_alike_are_equal() {
        for (one, other) in [
            ("maier", "meyer"),
            ("mayer", "meier"),
            ("stefan", "stephan"),
            ("schmidt", "schmitt"),
            ("schmid", "schmit"),
            ("katharina", "catarina"),
            ("john", "jon"),
            ("mohr", "mor"),
            ("philipp", "filip"),
            ("hoffmann", "hofmann"),
        ] {
            assert_eq!(sound(one), sound(other), "{one} {other}");
        }
        for (one, other) in
            [("mia", "pia"), ("tim", "tom"), ("udo", "uwe"), ("lea", "leo"), ("anna", "hanna")]
        {
            assert_ne!(sound(one), sound(other), "{one} {other}");
        }
    }

    #[test]
    fn a_bad_line_changes_consonants_and_no_vowels() {
        for (one, other) in [("udo", "uto"), ("mia", "mja"), ("tobi", "topi"), ("rudi", "ruti")] {
            assert_eq!(rough_sound(one), rough_sound(other), "{one} {other}");
        }
        for (one, other) in [("lea", "leo"), ("lea", "lia"), ("tim", "tom"), ("lea", "lena"), ("jan", "jana")]
        {
            assert_ne!(rough_sound(one), rough_sound(other), "{one} {other}");
        }
    }
}
