//! What a model is told in German.

use super::FunctionBrief;
use crate::function::FunctionName;

pub(super) const fn function(function: FunctionName) -> FunctionBrief {
    let (title, says, meanwhile) = match function {
        FunctionName::CheckAvailability => (
            "Termin prüfen",
            "Prüft, ob ein Termin frei ist, und hält ihn einige Minuten für diesen Anruf fest. Ruf es auf, sobald \
             der Anrufer Leistung und Wunschzeit genannt hat, auch eine ungefähre, und immer vor \
             book_appointment. Andere freie Zeiten stehen in alternatives.",
            Some("Einen Moment, ich schaue in den Kalender."),
        ),
        FunctionName::BookAppointment => (
            "Termin buchen",
            "Bucht einen Termin. Ruf es erst auf, wenn check_availability ihn als frei gemeldet und der Anrufer \
             ihm ausdrücklich zugestimmt hat. Leistung, Tag und Uhrzeit, die nicht mitgegeben werden, gelten wie \
             zuletzt geprüft.",
            Some("Einen Moment, ich trage das ein."),
        ),
        FunctionName::CancelAppointment => (
            "Termin absagen",
            "Sagt einen Termin des Anrufers ab.",
            Some("Einen Moment, ich sage den Termin ab."),
        ),
        FunctionName::RescheduleAppointment => (
            "Termin verschieben",
            "Verschiebt einen Termin des Anrufers.",
            Some("Einen Moment, ich verschiebe den Termin."),
        ),
        FunctionName::FindAppointments => (
            "Termine des Anrufers nachsehen",
            "Nennt die kommenden Termine zu der Nummer, von der angerufen wird. Ruf es auf, wenn der Anrufer nach \
             seinen Terminen fragt. Zu anderen Nummern gibt es keine Auskunft.",
            None,
        ),
        FunctionName::CheckCustomer => (
            "Anrufer erkennen",
            "Sagt, wer zu der Nummer gehört, von der angerufen wird, und nennt den nächsten Termin. Ruf es auf, \
             wenn du den Namen brauchst und noch nicht kennst.",
            None,
        ),
        FunctionName::ListServices => (
            "Leistungen und Preise nennen",
            "Nennt, was gebucht werden kann, mit Dauer, Preis und wer es macht. Ruf es auf, wenn der Anrufer nach \
             Angebot oder Preisen fragt oder nicht weiß, was er buchen will.",
            None,
        ),
        FunctionName::OpeningHours => (
            "Öffnungszeiten nennen",
            "Nennt die Öffnungszeiten eines Tages oder der nächsten Tage, auch an Feiertagen, und ob gerade offen \
             ist.",
            None,
        ),
        FunctionName::ParseDate => (
            "Datum verstehen",
            "Sagt, welchen Tag und welche Uhrzeit die Worte des Anrufers meinen. Nur nötig, wenn du ein Datum \
             nachsprechen willst, ohne einen Termin zu prüfen: alle anderen Werkzeuge verstehen die Worte selbst.",
            None,
        ),
        FunctionName::RequestCallback => (
            "Rückruf aufnehmen",
            "Lässt einen Menschen zurückrufen. Ruf es auf, wenn der Anrufer das wünscht oder einen angebotenen \
             Rückruf annimmt.",
            None,
        ),
    };
    FunctionBrief { title, says, meanwhile }
}

/// What belongs there, and an example.
pub(super) fn argument(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "service" => ("Die gewünschte Leistung, so wie der Anrufer sie nennt.", "Herrenhaarschnitt"),
        "date" => (
            "Nur der Tag, in den Worten des Anrufers; nichts umrechnen, kein Jahr ergänzen. Nennt er Tag und \
             Uhrzeit, nimm datetime.",
            "nächsten Donnerstag",
        ),
        "time" => ("Nur die Uhrzeit, in den Worten des Anrufers; nichts umrechnen.", "halb elf"),
        "datetime" => (
            "Tag und Uhrzeit zusammen, unverändert in den Worten des Anrufers; nichts umrechnen, kein Jahr \
             ergänzen.",
            "morgen um halb elf",
        ),
        "customer_name" => ("Name der Person, die kommt oder zurückgerufen wird.", "Anna Schmidt"),
        "customer_phone" => (
            "Telefonnummer mit Vorwahl, wie sie gesagt wurde. Nur, wenn der Anrufer eine andere nennt als die, \
             von der er anruft.",
            "0151 12345678",
        ),
        "customer_email" => {
            ("E-Mail-Adresse, wie sie gesagt oder buchstabiert wurde.", "anna punkt schmidt at web punkt de")
        }
        "staff" => ("Bei wem, falls der Anrufer jemanden nennt.", "Udo"),
        "notes" => ("Was der Anrufer sonst noch zum Termin sagt.", "kommt mit Kinderwagen"),
        "confirm" => ("true, wenn der Anrufer genau diesem Termin ausdrücklich zugestimmt hat.", "true"),
        "priority" => ("Wie eilig der Rückruf ist.", "high"),
        "reason" => ("Worum es beim Rückruf geht.", "Frage zur Rechnung"),
        "due" => ("Wann zurückgerufen werden soll, in den Worten des Anrufers.", "morgen nach 17 Uhr"),
        "text" => {
            ("Die Worte des Anrufers über Tag und Uhrzeit, unverändert.", "nächsten Donnerstag um halb elf")
        }
        _ => return None,
    })
}
