//! What a model is told in English.

use super::FunctionBrief;
use crate::function::FunctionName;

pub(super) const fn function(function: FunctionName) -> FunctionBrief {
    let (title, says, meanwhile) = match function {
        FunctionName::CheckAvailability => (
            "check an appointment",
            "Checks whether an appointment is free and holds it for this call for a few minutes. Call it as soon as \
             the caller has named the service and a wished time, even a rough one, and always before \
             book_appointment. Other free times are in alternatives.",
            Some("One moment, I am looking at the calendar."),
        ),
        FunctionName::BookAppointment => (
            "book an appointment",
            "Books an appointment. Call it only when check_availability has found it free and the caller has \
             clearly said yes to it. Service, day and time that are left out are those that were checked last.",
            Some("One moment, I am booking that."),
        ),
        FunctionName::CancelAppointment => (
            "cancel an appointment",
            "Cancels an appointment of the caller.",
            Some("One moment, I am cancelling the appointment."),
        ),
        FunctionName::RescheduleAppointment => (
            "move an appointment",
            "Moves an appointment of the caller.",
            Some("One moment, I am moving the appointment."),
        ),
        FunctionName::FindAppointments => (
            "look up the caller's appointments",
            "Tells the coming appointments of the number that is calling. Call it when callers ask for their \
             appointments. Nothing is told of other numbers.",
            None,
        ),
        FunctionName::CheckCustomer => (
            "recognise the caller",
            "Tells who belongs to the number that is calling, with the next appointment. Call it when you need the \
             name and do not know it yet.",
            None,
        ),
        FunctionName::ListServices => (
            "tell services and prices",
            "Tells what can be booked, with length, price and who does it. Call it when callers ask for services or \
             prices, or do not know what to book.",
            None,
        ),
        FunctionName::OpeningHours => (
            "tell opening hours",
            "Tells the opening hours of a day or of the next days, holidays included, and whether it is open now.",
            None,
        ),
        FunctionName::ParseDate => (
            "understand a date",
            "Tells which day and time the caller's words mean. Needed only to say a date back without checking an \
             appointment: all other tools understand the words themselves.",
            None,
        ),
        FunctionName::RequestCallback => (
            "take a callback request",
            "Lets a human call back. Call it when callers wish so, or accept a callback that was offered.",
            None,
        ),
    };
    FunctionBrief { title, says, meanwhile }
}

/// What belongs there, and an example.
pub(super) fn argument(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "service" => ("The service that is wanted, as the caller calls it.", "men's haircut"),
        "date" => (
            "The day alone, in the caller's words; convert nothing, add no year. For day and time use datetime.",
            "next Thursday",
        ),
        "time" => ("The time alone, in the caller's words; convert nothing.", "half past ten"),
        "datetime" => (
            "Day and time together, unchanged in the caller's words; convert nothing, add no year.",
            "tomorrow at half past ten",
        ),
        "customer_name" => ("Name of the person who comes or is called back.", "Anna Smith"),
        "customer_phone" => (
            "Phone number with its area code, as it was said. Only when the caller names another one than the \
             number that is calling.",
            "+44 20 7946 0958",
        ),
        "customer_email" => ("E-mail address, as it was said or spelled.", "anna dot smith at gmail dot com"),
        "staff" => ("With whom, if the caller names somebody.", "Udo"),
        "notes" => ("What else the caller says about the appointment.", "comes with a pram"),
        "confirm" => ("true when the caller has clearly said yes to exactly this appointment.", "true"),
        "priority" => ("How urgent the callback is.", "high"),
        "reason" => ("What the callback is about.", "question about an invoice"),
        "due" => ("When to call back, in the caller's words.", "tomorrow after 5 pm"),
        "text" => ("The caller's words about day and time, unchanged.", "next Thursday at half past ten"),
        _ => return None,
    })
}
