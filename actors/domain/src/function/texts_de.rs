//! The sentences in German. Every one says what to do next.

use super::{
    Objection, Outcome,
    spoken::{self, NAMES_SPOKEN_MAX, Names},
};
use crate::{booking::Refusal, tenant::Language};

const DE: Language = Language::De;

/// What came of an order.
pub(super) fn outcome(outcome: &Outcome<'_>) -> String {
    let moment = |at| spoken::moment(DE, at);
    match *outcome {
        Outcome::Free(at, staff, age) => free(&moment(at), staff, age),
        Outcome::Taken(at, []) => {
            format!("Am {} ist leider nichts mehr frei. Welche andere Zeit passt Ihnen?", moment(at))
        }
        Outcome::Taken(at, others) => format!(
            "Am {} ist leider nichts mehr frei. Ich könnte Ihnen {} anbieten. Was passt Ihnen?",
            moment(at),
            spoken::moments(DE, others)
        ),
        Outcome::NothingFree(at) => format!(
            "Am {} und in der Zeit danach ist leider nichts frei. Soll Sie jemand zurückrufen?",
            moment(at)
        ),
        Outcome::CalendarUnavailable => "Ich komme gerade nicht an den Kalender. Soll Sie jemand \
             zurückrufen und den Termin mit Ihnen ausmachen?"
            .to_owned(),
        Outcome::Confirmed(at, Some(staff)) => {
            format!("Der Termin am {} bei {staff} ist eingetragen. Kann ich sonst noch helfen?", moment(at))
        }
        Outcome::Confirmed(at, None) => {
            format!("Der Termin am {} ist eingetragen. Kann ich sonst noch helfen?", moment(at))
        }
        Outcome::Pending(at) => format!(
            "Ich habe den Termin am {} aufgenommen, die Bestätigung steht noch aus. Sie bekommen Bescheid, \
             sobald sie da ist.",
            moment(at)
        ),
        Outcome::Unknown(at) => format!(
            "Ob der Termin am {} eingetragen ist, kann ich gerade nicht sicher sagen. Wir prüfen das und \
             melden uns bei Ihnen.",
            moment(at)
        ),
        Outcome::AlreadyBooked(at) => {
            format!("Der Termin am {} ist schon für Sie aufgenommen. Kann ich sonst noch helfen?", moment(at))
        }
        Outcome::Refused(refusal) => refused(refusal).to_owned(),
        Outcome::ContactMissing => "Für den Termin brauche ich noch eine Telefonnummer mit Vorwahl \
             oder eine E-Mail-Adresse. Wie können wir Sie erreichen?"
            .to_owned(),
        Outcome::NameMissing => "Auf welchen Namen darf ich den Termin eintragen?".to_owned(),
        Outcome::SlotMissing => "An welchem Tag und um wie viel Uhr möchten Sie kommen?".to_owned(),
        Outcome::FunctionUnavailable => {
            "Das kann ich am Telefon leider noch nicht erledigen. Soll Sie jemand zurückrufen?".to_owned()
        }
        Outcome::CompanyUnknown => {
            "Ich kann diesen Anruf gerade keinem Betrieb zuordnen. Bitte rufen Sie später noch einmal an."
                .to_owned()
        }
        Outcome::Busy => {
            "Einen Moment bitte, gerade ist sehr viel los. Ich versuche es gleich noch einmal.".to_owned()
        }
    }
}

/// What is wrong with an order.
pub(super) fn objection(objection: &Objection<'_>) -> String {
    let day = |date| spoken::day(DE, date);
    match *objection {
        Objection::ArgumentTooLong(..) => "Das war leider zu lang. Können Sie es kürzer sagen?".to_owned(),
        Objection::ServiceMissing([]) | Objection::ServiceNotFound([]) => {
            "Hier kann ich leider keine Leistung buchen. Soll Sie jemand zurückrufen?".to_owned()
        }
        Objection::ServiceMissing(names) => {
            format!("Welche Leistung möchten Sie buchen? Zur Auswahl: {}.", list(names))
        }
        Objection::ServiceNotFound(names) => {
            format!("Diese Leistung finde ich nicht. Wir bieten an: {}. Was darf es sein?", list(names))
        }
        Objection::ServiceAmbiguous(names) | Objection::StaffAmbiguous(names) => {
            format!("Was meinen Sie genau: {}?", either(names))
        }
        Objection::StaffNotFound([]) => {
            "Diesen Namen finde ich hier nicht. Soll ich ohne Wunschperson schauen?".to_owned()
        }
        Objection::StaffNotFound(names) => {
            format!("Diesen Namen finde ich hier nicht. Zu wem möchten Sie: {}?", either(names))
        }
        Objection::StaffNotForService([]) => {
            "Das macht diese Person leider nicht. Soll ich ohne Wunschperson schauen?".to_owned()
        }
        Objection::StaffNotForService(names) => {
            format!("Das macht diese Person leider nicht. Möglich ist es bei {}. Passt das?", either(names))
        }
        Objection::NameIsNone => {
            "Das war noch kein Name. Auf welchen Namen darf ich den Termin eintragen?".to_owned()
        }
        Objection::DateMissing => "An welchem Tag möchten Sie kommen?".to_owned(),
        Objection::DateNotUnderstood(_) => {
            "Das Datum habe ich nicht verstanden. Nennen Sie mir bitte Tag, Monat und Uhrzeit.".to_owned()
        }
        Objection::DateInPast(today) => format!(
            "Das liegt in der Vergangenheit, heute ist {}. Welchen Tag meinen Sie?",
            spoken::day_and_year(DE, today)
        ),
        Objection::DateTooFar(_) => {
            "So weit im Voraus kann ich noch nicht buchen. Geht es auch früher?".to_owned()
        }
        Objection::TimeMissing(date) => format!("Um wie viel Uhr möchten Sie am {} kommen?", day(date)),
        Objection::TimeDoesNotExist(date) => format!(
            "Diese Uhrzeit gibt es am {} wegen der Zeitumstellung nicht. Welche andere Uhrzeit passt Ihnen?",
            day(date)
        ),
        Objection::ClosedOnHoliday(date) => {
            format!("Am {} haben wir geschlossen. Welcher andere Tag passt Ihnen?", day(date))
        }
        Objection::ClosedOnDay(date) => format!(
            "Am {} haben wir geschlossen, wie immer an diesem Wochentag. Welcher andere Tag passt Ihnen?",
            day(date)
        ),
        Objection::OutsideHours(date, hours) => format!(
            "Am {} haben wir {} geöffnet, der Termin passt da nicht ganz hinein. Welche andere Uhrzeit \
             passt Ihnen?",
            day(date),
            spoken::hours(DE, hours)
        ),
        Objection::TooSoon(notice) => format!(
            "So kurzfristig geht es leider nicht, wir brauchen {} Vorlauf. Welche spätere Zeit passt Ihnen?",
            spoken::notice(DE, notice)
        ),
    }
}

fn free(moment: &str, staff: Option<&str>, age: Option<spoken::Age>) -> String {
    let known =
        age.map(|age| format!(" nach dem Stand von vor {}", spoken::age(DE, age))).unwrap_or_default();
    let host = staff.map_or_else(|| " ein Termin".to_owned(), |staff| format!(" bei {staff}"));
    format!("Am {moment} ist{known}{host} frei. Soll ich das eintragen?")
}

fn refused(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::SlotTaken => "Diese Zeit ist leider gerade vergeben worden. Welche andere passt Ihnen?",
        Refusal::OutOfBounds => {
            "Für diese Zeit nimmt der Kalender nichts an. Welche andere Zeit passt Ihnen?"
        }
        Refusal::DateInPast => "Diese Zeit ist schon vorbei. Welche andere Zeit passt Ihnen?",
        Refusal::BookerLimit => {
            "Sie haben schon so viele Termine, wie man haben kann. Soll Sie jemand zurückrufen?"
        }
        Refusal::BookerBlocked => {
            "Diesen Termin kann ich nicht selbst eintragen. Soll Sie jemand zurückrufen?"
        }
        Refusal::AlreadyBooked => "Diesen Termin haben Sie schon. Kann ich sonst noch helfen?",
        Refusal::ContactRejected => {
            "Der Kalender nimmt Ihre Kontaktdaten so nicht an. Sagen Sie mir bitte noch einmal Ihre \
             Telefonnummer oder E-Mail-Adresse?"
        }
        Refusal::ServiceMisconfigured => {
            "Diese Leistung kann ich gerade nicht eintragen. Soll Sie jemand zurückrufen?"
        }
        Refusal::NotAuthorized => {
            "Ich kann gerade nicht in den Kalender schreiben. Soll Sie jemand zurückrufen?"
        }
        Refusal::Other => "Der Kalender hat den Termin nicht angenommen. Soll Sie jemand zurückrufen?",
    }
}

fn limited(names: Names<'_>) -> Vec<String> {
    names.iter().take(NAMES_SPOKEN_MAX).cloned().collect()
}

fn list(names: Names<'_>) -> String {
    spoken::and(DE, &limited(names))
}

fn either(names: Names<'_>) -> String {
    spoken::or(DE, &limited(names))
}
