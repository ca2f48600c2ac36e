//! Callers and the agents who speak for them: what they say next, given what they heard.

use askpro_actors::{ports::fakes::EventBody, rig::Asked, runtime::Dice};
use askpro_domain::{function::FunctionName, time::UnixMillis};
use jiff::{ToSpan, civil::Date};
use serde_json::{Value, json};

use crate::companies::Shop;

const PEOPLE: [&str; 8] = [
    "Anna Schmidt",
    "Bernd Vogel",
    "Carla Neumann",
    "Dieter Krause",
    "Erika Wolff",
    "Frank Lorenz",
    "Greta Sommer",
    "Hanna Richter",
];
/// Functions in one call at most.
const MOVES_MAX: u32 = 7;

/// A question under way.
pub(crate) struct Pending {
    pub(crate) asked: Asked,
    pub(crate) at: UnixMillis,
    pub(crate) tool_call: Option<String>,
    pub(crate) function: FunctionName,
    pub(crate) arguments: Value,
    /// Sent again because the answer did not come: nothing follows from its answer.
    pub(crate) is_copy: bool,
}

/// A caller in a call.
pub(crate) struct Caller {
    pub(crate) call: String,
    pub(crate) shop: usize,
    pub(crate) to: String,
    pub(crate) from: Option<String>,
    pub(crate) name: &'static str,
    pub(crate) began_at: UnixMillis,
    pub(crate) pending: Vec<Pending>,
    /// What was asked last: function, arguments, tool call.
    pub(crate) last_asked: Option<(FunctionName, Value, Option<String>)>,
    pub(crate) heard: Option<String>,
    pub(crate) is_over: bool,
    pub(crate) is_silent: bool,
    names_tool_calls: bool,
    tool_calls: u32,
    moves: u32,
    wish: Wish,
    last: Option<Value>,
}

/// Half of all callers of a company want the same time.
fn hot_minute(shop: usize, dice: &mut Dice) -> i64 {
    let hot = 9 + i64::try_from(shop % 7).unwrap_or(0);
    60 * if dice.percent(50) { hot } else { dice.between(9, 18) }
}

fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// What a caller wants.
#[derive(Debug, Clone)]
struct Wish {
    day: Date,
    minute: i64,
    service: String,
    staff: Option<String>,
    vague: bool,
}

/// What a racer wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Racer {
    pub(crate) service: usize,
    pub(crate) staff: Option<String>,
    pub(crate) minute: i64,
    pub(crate) names_tool_calls: bool,
}

/// What an agent does next.
pub(crate) enum Next {
    Ask { function: FunctionName, arguments: Value, tool_call: Option<String> },
    HangUp,
}

impl Caller {
    /// Somebody calls a company; most want one of few times, so that they meet.
    pub(crate) fn new(number: usize, shop_number: usize, shop: &Shop, today: Date, dice: &mut Dice) -> Self {
        let person = dice.below(60);
        let service = dice.pick(&shop.services).cloned();
        let staff = service.as_ref().and_then(|s| dice.pick(&s.staff).cloned()).filter(|_| dice.percent(35));
        let from = format!("+49151{:08}", 10_000_000 + shop_number * 1_000 + person);
        Self {
            call: format!("c{shop_number}_{number}"),
            shop: shop_number,
            to: dice.pick(&shop.numbers).cloned().unwrap_or_default(),
            from: Some(from).filter(|_| !dice.percent(5)),
            name: PEOPLE[person % PEOPLE.len()],
            began_at: UnixMillis(0),
            pending: Vec::new(),
            last_asked: None,
            heard: None,
            is_over: false,
            is_silent: dice.percent(2),
            names_tool_calls: dice.percent(80),
            tool_calls: 0,
            moves: 0,
            wish: Wish {
                day: today + i64::try_from(dice.below(3)).unwrap_or(0).days(),
                minute: hot_minute(shop_number, dice),
                service: service.map(|s| s.name).unwrap_or_default(),
                staff,
                vague: dice.percent(15),
            },
            last: None,
        }
    }

    /// Somebody who wants just this, and whose agent does what it is told to.
    pub(crate) fn racer(number: usize, shop: &Shop, racer: &Racer, day: Date) -> Self {
        let mut dice = Dice::new(0);
        let caller = Self::new(number, 0, shop, day, &mut dice);
        let service = shop.services[racer.service].name.clone();
        let (staff, minute) = (racer.staff.clone(), racer.minute);
        Self {
            call: format!("r_{number}"),
            from: Some(format!("+49151{:08}", 20_000_000 + number)),
            to: shop.numbers[0].clone(),
            is_silent: false,
            names_tool_calls: racer.names_tool_calls,
            wish: Wish { day, minute, service, staff, vague: false },
            ..caller
        }
    }

    /// What this racer's agent asks now.
    pub(crate) fn race(&mut self, function: FunctionName, by_name_alone: bool, dice: &mut Dice) -> Next {
        match function {
            FunctionName::CheckAvailability => self.check(dice),
            _ if by_name_alone => {
                let name = self.name;
                self.ask(FunctionName::BookAppointment, json!({ "customer_name": name }))
            }
            _ => self.book(false, dice),
        }
    }

    /// An answer came.
    pub(crate) fn hear(&mut self, answer: Option<Value>) {
        let code = answer.as_ref().and_then(|a| a.get("code")).and_then(Value::as_str);
        self.heard = code.map(str::to_owned);
        self.last = answer;
    }

    /// What the agent does now.
    pub(crate) fn next(&mut self, shop: &Shop, dice: &mut Dice) -> Next {
        self.moves += 1;
        if self.moves > MOVES_MAX {
            return Next::HangUp;
        }
        let code = self.heard.clone().unwrap_or_default();
        match code.as_str() {
            "" if self.moves == 1 => self.open(dice, shop),
            "available" if dice.percent(80) => self.book_held(dice),
            "confirmation_required" if dice.percent(80) => self.book(true, dice),
            "slot_taken" | "nothing_free" if dice.percent(75) => self.take_another(dice),
            "confirmed" if dice.percent(25) => self.book(false, dice),
            "already_booked" if dice.percent(20) => self.book(true, dice),
            "pending_confirmation" | "outcome_unknown" | "busy" | "" if dice.percent(50) => {
                self.book(dice.percent(30), dice)
            }
            "name_required" | "contact_required" | "slot_required" if dice.percent(70) => {
                self.book(true, dice)
            }
            _ if dice.percent(15) => self.chat(dice, shop),
            _ => Next::HangUp,
        }
    }

    fn open(&mut self, dice: &mut Dice, shop: &Shop) -> Next {
        match dice.below(10) {
            0..6 => self.check(dice),
            6..9 => self.book(false, dice),
            _ => self.chat(dice, shop),
        }
    }

    fn check(&mut self, dice: &mut Dice) -> Next {
        let arguments = self.wished(dice);
        self.ask(FunctionName::CheckAvailability, arguments)
    }

    fn book(&mut self, confirms: bool, dice: &mut Dice) -> Next {
        let mut arguments = self.wished(dice);
        arguments["customer_name"] = json!(self.name);
        if confirms {
            arguments["confirm"] = json!(true);
        }
        if self.from.is_none() && dice.percent(70) {
            arguments["customer_email"] = json!("anna.schmidt@example.org");
        }
        self.ask(FunctionName::BookAppointment, arguments)
    }

    /// Books what is held, by all that was said of it or by nothing but the name.
    fn book_held(&mut self, dice: &mut Dice) -> Next {
        if dice.percent(40) {
            let name = self.name;
            return self.ask(FunctionName::BookAppointment, json!({ "customer_name": name }));
        }
        self.book(dice.percent(20), dice)
    }

    /// Another time: one that was offered, if any was.
    fn take_another(&mut self, dice: &mut Dice) -> Next {
        let offered = self.last.as_ref().and_then(|answer| answer.get("alternatives")?.as_array().cloned());
        let slot =
            offered.as_deref().and_then(|all| dice.pick(all)?.get("slot")?.as_str().map(str::to_owned));
        match slot {
            Some(slot) if dice.percent(50) => {
                let arguments = json!({"service": self.wish.service, "datetime": slot});
                self.ask(FunctionName::CheckAvailability, arguments)
            }
            Some(slot) => {
                let arguments = json!({"service": self.wish.service, "datetime": slot, "name": self.name});
                self.ask(FunctionName::BookAppointment, arguments)
            }
            None => {
                self.wish.minute = 9 * 60 + dice.between(0, 9) * 60;
                self.check(dice)
            }
        }
    }

    /// Anything else that is asked on the telephone.
    fn chat(&mut self, dice: &mut Dice, shop: &Shop) -> Next {
        let words = if shop.is_german { "morgen vormittag" } else { "tomorrow morning" };
        let (function, arguments) = match dice.below(6) {
            0 => (FunctionName::FindAppointments, json!({})),
            1 => (FunctionName::ListServices, json!({})),
            2 => (FunctionName::OpeningHours, json!({"date": words})),
            3 => (FunctionName::CheckCustomer, json!({})),
            4 => (FunctionName::ParseDate, json!({"text": words})),
            _ => (FunctionName::RequestCallback, json!({"notes": "bitte zurückrufen"})),
        };
        self.ask(function, arguments)
    }

    fn wished(&self, dice: &mut Dice) -> Value {
        let wish = &self.wish;
        let (day, time) = (wish.day.strftime("%d.%m.%Y").to_string(), clock(wish.minute));
        let mut arguments = if wish.vague {
            json!({"service": wish.service, "datetime": format!("{day} vormittags")})
        } else if dice.percent(50) {
            json!({"dienstleistung": wish.service, "datum": day, "uhrzeit": time})
        } else {
            json!({"service": wish.service, "datetime": format!("{day} {time}")})
        };
        if let Some(staff) = &wish.staff {
            arguments["mitarbeiter"] = json!(staff);
        }
        arguments
    }

    fn ask(&mut self, function: FunctionName, arguments: Value) -> Next {
        self.tool_calls += 1;
        let tool_call = self.names_tool_calls.then(|| format!("tool_{}", self.tool_calls));
        Next::Ask { function, arguments, tool_call }
    }

    /// An event of this call, with what every event of it tells.
    pub(crate) fn event(&self, event: &str, at: UnixMillis) -> EventBody {
        EventBody {
            direction: Some("inbound".to_owned()),
            from: self.from.clone(),
            to: Some(self.to.clone()),
            started_at: Some(self.began_at.0),
            ..EventBody::new(event, &self.call, at.0)
        }
    }

    /// The end of this call.
    pub(crate) fn ended(&self, at: UnixMillis) -> EventBody {
        EventBody {
            status: Some("ended".to_owned()),
            ended_at: Some(at.0),
            duration_ms: Some(at.since(self.began_at)),
            reason: Some("user_hangup".to_owned()),
            transcript: Some("Agent: Guten Tag. User: Einen Termin bitte.".to_owned()),
            ..self.event("call_ended", at)
        }
    }

    /// What Retell makes of it later.
    pub(crate) fn analyzed(&self, ended_at: UnixMillis, at: UnixMillis, summary: &str) -> EventBody {
        EventBody {
            summary: Some(summary.to_owned()),
            successful: Some(true),
            event: "call_analyzed".to_owned(),
            at: Some(at.0),
            ..self.ended(ended_at)
        }
    }
}
