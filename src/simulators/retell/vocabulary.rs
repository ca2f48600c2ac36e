//! What people say on the telephone, put together from pieces so that hardly any two sentences are the same.

use rand::Rng;
use rand::rngs::SmallRng;

use super::line::{CompanyLine, Language};

/// The pieces of one speaker in one language: a sentence takes one of each row.
struct Pieces {
    openings: &'static [&'static str],
    wishes: &'static [&'static str],
    details: &'static [&'static str],
    times: &'static [&'static str],
    endings: &'static [&'static str],
}

const AGENT_DE: Pieces = Pieces {
    openings: &[
        "Gerne,",
        "Alles klar,",
        "Einen Moment bitte,",
        "Verstanden,",
        "Natürlich,",
        "Sehr gut,",
        "Vielen Dank,",
        "Das mache ich gern,",
        "Perfekt,",
        "In Ordnung,",
        "Danke für Ihre Geduld,",
        "Kein Problem,",
        "Ich habe es notiert,",
        "Wunderbar,",
        "Schön, dass Sie anrufen,",
        "Da helfe ich Ihnen weiter,",
    ],
    wishes: &[
        "ich prüfe für Sie den Kalender",
        "ich sehe hier noch freie Zeiten",
        "ich suche einen passenden Termin",
        "der gewünschte Termin wäre möglich",
        "ich kann Ihnen etwas anbieten",
        "da ist leider schon jemand eingetragen",
        "ich trage Sie gleich ein",
        "wir haben kurzfristig eine Lücke",
        "ich brauche nur noch Ihren Namen",
        "das dauert bei uns ungefähr eine halbe Stunde",
        "ich schaue nach einer Alternative",
        "wir nehmen uns dafür genug Zeit",
        "ich verbinde Sie bei Bedarf mit dem Team",
    ],
    details: &[
        "für {service}",
        "bei {staff}",
        "in unserer Filiale",
        "für {service} bei {staff}",
        "mit etwas Vorlauf",
        "ohne Wartezeit",
        "direkt am Empfang",
        "für eine Person",
        "so wie beim letzten Mal",
        "mit kurzer Beratung",
        "inklusive Nachbereitung",
        "wie gewünscht",
    ],
    times: &[
        "am {day} um {hour} Uhr",
        "am {day} gegen {hour} Uhr dreißig",
        "in der kommenden Woche",
        "am {day} vormittags",
        "am späten Nachmittag",
        "noch vor dem Wochenende",
        "gleich am {day} früh",
        "zwischen {hour} und achtzehn Uhr",
        "am {day} nach der Mittagspause",
        "spätestens bis {day}",
    ],
    endings: &[
        "– passt Ihnen das?",
        "– oder wäre Ihnen etwas Späteres lieber?",
        "– soll ich das so festhalten?",
        "– darf ich noch Ihre Nummer haben?",
        "und Sie bekommen gleich eine Bestätigung.",
        "und wir freuen uns auf Sie.",
        "– wie war noch einmal Ihr Nachname?",
        "– haben Sie noch eine Frage dazu?",
        "und ich schicke Ihnen eine Erinnerung.",
        "– wäre das in Ordnung?",
        "und mehr brauche ich nicht.",
        "– möchten Sie lieber jemand anderen?",
    ],
};

const USER_DE: Pieces = Pieces {
    openings: &[
        "Ja,",
        "Ähm,",
        "Hallo,",
        "Also,",
        "Guten Tag,",
        "Genau,",
        "Hmm,",
        "Na ja,",
        "Moment,",
        "Ach so,",
        "Okay,",
        "Entschuldigung,",
        "Wissen Sie,",
        "Eigentlich,",
        "Super,",
        "Nee,",
    ],
    wishes: &[
        "ich hätte gern einen Termin",
        "ich wollte fragen, ob noch etwas frei ist",
        "ich müsste etwas verschieben",
        "mir würde das gut passen",
        "das ist mir ein bisschen zu früh",
        "meine Frau hat neulich schon angerufen",
        "ich bin zum ersten Mal bei Ihnen",
        "ich komme mit dem Auto aus Potsdam",
        "ich brauche das ziemlich dringend",
        "das letzte Mal war ich sehr zufrieden",
        "da habe ich leider schon etwas vor",
        "könnten Sie noch mal nachsehen",
        "ich nehme gern auch etwas anderes",
    ],
    details: &[
        "für {service}",
        "bei {staff}",
        "am liebsten wieder bei {staff}",
        "für {service}, wie immer",
        "für meinen Sohn",
        "wenn es nicht zu teuer ist",
        "weil ich danach zur Arbeit muss",
        "mit meiner Mutter zusammen",
        "ohne lange zu warten",
        "und zwar {service}",
        "egal bei wem",
        "wegen der Feiertage",
    ],
    times: &[
        "am {day}",
        "am {day} um {hour} Uhr",
        "irgendwann nächste Woche",
        "am Nachmittag",
        "gleich morgen früh",
        "so gegen {hour} Uhr",
        "nach Feierabend",
        "am {day}, wenn es geht",
        "vor {hour} Uhr",
        "bis spätestens {day}",
    ],
    endings: &[
        "bitte.",
        "wenn das geht.",
        "oder ist da alles voll?",
        "das wäre toll.",
        "danke Ihnen.",
        "geht das?",
        "ich bin da flexibel.",
        "mehr wollte ich gar nicht.",
        "ja, genau so.",
        "können Sie das eintragen?",
        "sonst rufe ich später noch mal an.",
        "hoffentlich klappt das.",
    ],
};

const AGENT_EN: Pieces = Pieces {
    openings: &[
        "Of course,",
        "Certainly,",
        "One moment please,",
        "Thank you,",
        "I see,",
        "Great,",
        "No problem,",
        "Sure,",
        "Let me have a look,",
        "Wonderful,",
        "Thanks for waiting,",
        "All right,",
        "Happy to help,",
        "Understood,",
    ],
    wishes: &[
        "I am checking the calendar for you",
        "there are still some free times",
        "I can offer you something",
        "I am afraid that one is taken",
        "that time would be possible",
        "I only need your last name",
        "it takes about half an hour with us",
        "we have had a cancellation",
        "I will put you down",
        "I am looking for an alternative",
        "we will take good care of you",
        "I can connect you with the team",
    ],
    details: &[
        "for {service}",
        "with {staff}",
        "at our branch",
        "for {service} with {staff}",
        "without any waiting",
        "like last time",
        "for one person",
        "including a short consultation",
        "right at the front desk",
        "with a little notice",
        "as you wished",
    ],
    times: &[
        "on {day} at {hour}",
        "on {day} around half past {hour}",
        "in the coming week",
        "on {day} morning",
        "late in the afternoon",
        "before the weekend",
        "first thing on {day}",
        "right after lunch on {day}",
        "by {day} at the latest",
    ],
    endings: &[
        "- does that suit you?",
        "- or would you prefer something later?",
        "- shall I book that?",
        "- may I have your number?",
        "and you will get a confirmation.",
        "and we look forward to seeing you.",
        "- how do you spell that?",
        "- is there anything else?",
        "and I will send a reminder.",
        "- would that be fine?",
        "and that is all I need.",
    ],
};

const USER_EN: Pieces = Pieces {
    openings: &[
        "Yes,",
        "Um,",
        "Hello,",
        "Well,",
        "Hi there,",
        "Exactly,",
        "Hmm,",
        "Right,",
        "Wait,",
        "Oh,",
        "Okay,",
        "Sorry,",
        "Actually,",
        "Perfect,",
        "No,",
        "You know,",
    ],
    wishes: &[
        "I would like an appointment",
        "I was wondering whether anything is free",
        "I need to move something",
        "that would work for me",
        "that is a bit too early",
        "my wife called the other day",
        "it is my first time with you",
        "I am coming by train",
        "I need it quite urgently",
        "I was very happy last time",
        "I am already busy then",
        "could you check again",
    ],
    details: &[
        "for {service}",
        "with {staff}",
        "preferably with {staff} again",
        "for {service}, as always",
        "for my son",
        "if it is not too expensive",
        "because I have to be at work later",
        "together with my mother",
        "without a long wait",
        "and that is {service}",
        "no matter who",
        "because of the holidays",
    ],
    times: &[
        "on {day}",
        "on {day} at {hour}",
        "some time next week",
        "in the afternoon",
        "first thing tomorrow",
        "around {hour}",
        "after work",
        "on {day} if possible",
        "before {hour}",
        "by {day} at the latest",
    ],
    endings: &[
        "please.",
        "if that works.",
        "or is it all full?",
        "that would be great.",
        "thank you.",
        "is that possible?",
        "I am flexible.",
        "that is all I wanted.",
        "yes, just like that.",
        "can you put that down?",
        "otherwise I will call again.",
        "I hope that works.",
    ],
};

const DAYS_DE: [&str; 5] = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag"];
const DAYS_EN: [&str; 5] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"];
const FIRST_NAMES: [&str; 24] = [
    "Anna", "Lukas", "Marie", "Jonas", "Sofia", "Felix", "Emma", "Paul", "Lea", "Max", "Hannah", "Ben",
    "Clara", "Noah", "Mila", "Elias", "Ayşe", "Jörg", "Zoë", "Emre", "Olga", "Piotr", "Grace", "Owen",
];
const LAST_NAMES: [&str; 24] = [
    "Schmidt", "Müller", "Fischer", "Weber", "Wagner", "Becker", "Hoffmann", "Schäfer", "Koch", "Bauer",
    "Richter", "Klein", "Wolf", "Neumann", "Schwarz", "Krüger", "Yılmaz", "Nowak", "Groß", "Lehmann",
    "Baker", "Turner", "Hughes", "Peters",
];

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    Agent,
    User,
}

/// One sentence of a speaker on a line.
pub(super) fn sentence(rng: &mut SmallRng, line: &CompanyLine, speaker: Speaker) -> String {
    let pieces = match (line.language, speaker) {
        (Language::German, Speaker::Agent) => &AGENT_DE,
        (Language::German, Speaker::User) => &USER_DE,
        (Language::English, Speaker::Agent) => &AGENT_EN,
        (Language::English, Speaker::User) => &USER_EN,
    };
    let mut parts = vec![pick(rng, pieces.openings), pick(rng, pieces.wishes)];
    if rng.random_bool(0.7) {
        parts.push(pick(rng, pieces.details));
    }
    if rng.random_bool(0.7) {
        parts.push(pick(rng, pieces.times));
    }
    parts.push(pick(rng, pieces.endings));
    fill(rng, line, &parts.join(" "))
}

fn fill(rng: &mut SmallRng, line: &CompanyLine, pattern: &str) -> String {
    let days = if line.language == Language::German { &DAYS_DE } else { &DAYS_EN };
    let service = pick_name(rng, &line.services, "Service");
    let staff = pick_name(rng, &line.staff, "Team");
    let hour = rng.random_range(9..18).to_string();
    pattern
        .replace("{service}", &service)
        .replace("{staff}", &staff)
        .replace("{day}", pick(rng, days))
        .replace("{hour}", &hour)
}

/// A first and a last name.
pub(super) fn person(rng: &mut SmallRng) -> String {
    format!("{} {}", pick(rng, &FIRST_NAMES), pick(rng, &LAST_NAMES))
}

/// One of the texts; empty where there is none.
pub(super) fn pick(rng: &mut SmallRng, texts: &[&'static str]) -> &'static str {
    let place = rng.random_range(0..texts.len().max(1));
    texts.get(place).copied().unwrap_or_default()
}

/// One of the names, or `otherwise` where there is none.
pub(super) fn pick_name(rng: &mut SmallRng, names: &[String], otherwise: &str) -> String {
    let place = rng.random_range(0..names.len().max(1));
    names.get(place).cloned().unwrap_or_else(|| otherwise.to_owned())
}
