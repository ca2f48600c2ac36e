//! What people say, in words by chance out of a large vocabulary: sentences that repeat flatter every compression.

use rand::{Rng, SeedableRng, rngs::SmallRng};

/// Different words.
const WORDS: usize = 20_000;
const BEGINNINGS: [&str; 24] = [
    "b", "br", "d", "dr", "f", "fl", "g", "gr", "h", "k", "kl", "l", "m", "n", "p", "pf", "r", "s", "sch",
    "st", "t", "w", "z", "",
];
const MIDDLES: [&str; 14] = ["a", "e", "i", "o", "u", "ä", "ö", "ü", "au", "ei", "ie", "eu", "e", "a"];
const ENDS: [&str; 16] =
    ["n", "r", "l", "s", "t", "ch", "ng", "nd", "rt", "m", "ck", "st", "g", "", "", "lz"];

/// Words and how often each is said: as in speech a few come often, most hardly ever.
pub struct Vocabulary {
    words: Vec<String>,
}

impl Vocabulary {
    /// The same seed gives the same words.
    pub fn new(seed: u64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        Self { words: (0..WORDS).map(|place| word(&mut rng, place)).collect() }
    }

    pub fn pick(&self, rng: &mut SmallRng) -> &str {
        let place = rng.random::<f64>().powi(3) * self.words.len() as f64;
        &self.words[place as usize]
    }
}

/// The first ones are short, as frequent words are.
fn word(rng: &mut SmallRng, place: usize) -> String {
    let syllables = if place < WORDS / 50 { 1 } else { rng.random_range(1..=3) };
    let mut word = String::new();
    for _ in 0..syllables {
        word += BEGINNINGS[rng.random_range(0..BEGINNINGS.len())];
        word += MIDDLES[rng.random_range(0..MIDDLES.len())];
        word += ENDS[rng.random_range(0..ENDS.len())];
    }
    word
}

/// A conversation in the three forms that Retell sends.
pub struct Talk {
    /// `Agent: …\nUser: …\n`, as the inside of a JSON text.
    pub transcript: String,
    /// Utterances with their words, the inside of a JSON list.
    pub utterances: String,
    pub duration_s: f64,
}

impl Talk {
    /// Goes on until its three forms (the utterances come twice) have so many bytes.
    pub fn of(bytes: usize, vocabulary: &Vocabulary, rng: &mut SmallRng) -> Self {
        let mut talk = Self { transcript: String::new(), utterances: String::new(), duration_s: 0.4 };
        let mut turn = 0;
        while talk.transcript.len() + 2 * talk.utterances.len() < bytes {
            talk.say(turn, vocabulary, rng);
            turn += 1;
        }
        talk
    }

    fn say(&mut self, turn: u32, vocabulary: &Vocabulary, rng: &mut SmallRng) {
        let (role, name) = if turn.is_multiple_of(2) { ("agent", "Agent") } else { ("user", "User") };
        let (mut content, mut words) = (String::new(), String::new());
        for place in 0..rng.random_range(4..16) {
            let word = vocabulary.pick(rng);
            // Sums of floats keep their tails (2.713000000000001), as seen on the wire.
            let (start, end) =
                (self.duration_s, self.duration_s + f64::from(rng.random_range(140..520)) / 1_000.0);
            let comma = if place == 0 { "" } else { "," };
            words += &format!("{comma}{{\"word\":\"{word} \",\"start\":{start},\"end\":{end}}}");
            content += word;
            content.push(' ');
            self.duration_s =
                if rng.random_bool(0.3) { (end * 1_000.0).round() / 1_000.0 + 0.08 } else { end };
        }
        self.transcript += &format!("{name}: {content}\\n");
        let comma = if turn == 0 { "" } else { "," };
        let metadata = format!(",\"metadata\":{{\"response_id\":{turn}}}");
        let metadata = if role == "agent" { metadata.as_str() } else { "" };
        self.utterances += &format!(
            "{comma}{{\"role\":\"{role}\",\"content\":\"{content}\",\"words\":[{words}]{metadata}}}"
        );
    }
}
