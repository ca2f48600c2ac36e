//! `request_callback`: somebody shall call back.

use serde_json::{Map, Value};

use super::{
    FunctionAnswer, Speaker,
    lookup::fold,
    parse::Desk,
    told::{CallbackLine, DueLine, Told},
};
use crate::{
    callback::{CallbackId, CallbackOrder, Due, Priority},
    phone::PhoneNumber,
    tenant::Company,
    when::local,
};

const URGENT: [&str; 14] = [
    "urgent",
    "dringend",
    "sehrdringend",
    "sofort",
    "eilig",
    "eilt",
    "notfall",
    "emergency",
    "asap",
    "immediately",
    "kritisch",
    "critical",
    "sehrhoch",
    "veryhigh",
];
const HIGH: [&str; 8] = ["high", "hoch", "wichtig", "important", "bald", "soon", "erhoeht", "zeitnah"];

impl Desk<'_> {
    /// A number that was said and not understood is asked for again, and so is a time that is past.
    pub(super) fn call_back(&self, args: &Map<String, Value>) -> Result<CallbackOrder, FunctionAnswer> {
        let args = self.arguments(args)?;
        if args.phone.is_none() && args.ignored.contains(&"customer_phone") {
            return Err(phone_required(self.company));
        }
        Ok(CallbackOrder {
            due: self.due(&args)?,
            phone: args.phone,
            name: args.customer_name,
            priority: args.priority.as_deref().map(priority).unwrap_or_default(),
            reason: args.reason.or(args.notes),
        })
    }

    fn due(&self, args: &super::arguments::Arguments) -> Result<Option<Due>, FunctionAnswer> {
        let given =
            [args.due.as_deref(), args.datetime.as_deref(), args.date.as_deref(), args.time.as_deref()];
        let said: Vec<&str> = given.into_iter().flatten().collect();
        if said.is_empty() {
            return Ok(None);
        }
        Ok(Some(Due { from: self.from(args)?, said: said.join(" ") }))
    }
}

fn priority(word: &str) -> Priority {
    let word = fold(word);
    let is_one_of = |words: &[&str]| words.contains(&word.as_str());
    if is_one_of(&URGENT) {
        Priority::Urgent
    } else if is_one_of(&HIGH) {
        Priority::High
    } else {
        Priority::Normal
    }
}

/// The answer to an order that was taken. It says what was ordered, not what the wish has become: whoever
/// asks for another's number to be called must not hear what that other has asked for. So the same order
/// has the same answer, whatever joined the wish meanwhile.
#[must_use]
pub fn callback_requested(
    company: &Company,
    id: &CallbackId,
    order: &CallbackOrder,
    phone: &PhoneNumber,
    caller: Option<&PhoneNumber>,
) -> FunctionAnswer {
    let due = order.due.as_ref();
    let from = due.and_then(|due| due.from);
    let spoken = due.map(|due| match due.from.and_then(|from| local(from, &company.zone())) {
        Some(from) => DueLine::From(from),
        None => DueLine::Words(&due.said),
    });
    let is_own_number = caller == Some(phone);
    let line = CallbackLine { priority: order.priority, due: spoken, is_own_number };
    Speaker::of(company)
        .tell(&Told::CallbackRequested(line))
        .with("callback_id", id.as_str())
        .with("status", "open")
        .with("priority", order.priority.as_str())
        .with("due_at", from.map(|from| from.to_rfc3339_in(&company.zone())))
        .with("due", due.map(|due| due.said.as_str()))
        .with("phone", phone.as_str())
}

/// `phone_required`: under which number?
#[must_use]
pub fn phone_required(company: &Company) -> FunctionAnswer {
    Speaker::of(company).tell(&Told::PhoneMissing)
}
