//! Carries operations out and reads every answer.

use askpro::{
    app::{self, Running},
    simulators::calcom::CalcomHandle,
};
use serde_json::{Value, json};

use super::{
    companies::{CALLER, Owner, companies},
    operations::{EventName, Function, Line, Named, Operation, Signer},
};
use crate::support::{
    calcom::{announce, created},
    database::Tables,
    days::{now_ms, slot},
    eventually,
    program::Program,
    retell::{Answer, Retell, event, fixture_of, merge, over},
    service::{Setup, WEBHOOK_KEY, is_settled},
};

/// The service in this process, or the real program in its own.
enum Process {
    Inside(Box<Running>),
    Outside(Program),
}

/// The service, its surroundings, and what was seen where it does not belong.
pub struct Rig {
    pub setup: Setup,
    pub calcom: CalcomHandle,
    pub tables: Tables,
    pub retell: Retell,
    process: Process,
    /// What crossed from one company to another.
    pub crossed: Vec<String>,
}

impl Rig {
    pub async fn start(mut setup: Setup) -> Self {
        let calcom = setup.calcom_of(&companies());
        setup.import(&companies()).await.unwrap();
        let running = app::start(setup.config()).await.unwrap();
        let retell = Retell::new(&running.base_url(), WEBHOOK_KEY);
        Self::with(setup, calcom, retell, Process::Inside(Box::new(running))).await
    }

    pub async fn start_program(mut setup: Setup) -> Self {
        let calcom = setup.calcom_of(&companies());
        setup.import(&companies()).await.unwrap();
        let program = Program::start(&setup).await;
        let retell = program.retell.clone();
        Self::with(setup, calcom, retell, Process::Outside(program)).await
    }

    async fn with(setup: Setup, calcom: CalcomHandle, retell: Retell, process: Process) -> Self {
        let tables = Tables::open(setup.database_url()).await;
        Self { setup, calcom, tables, retell, process, crossed: Vec::new() }
    }

    /// Ends the service; gives what crossed.
    pub async fn stop(self) -> Vec<String> {
        match self.process {
            Process::Inside(running) => running.stop().await.unwrap(),
            Process::Outside(program) => program.signal("TERM"),
        }
        self.crossed
    }

    /// What the program has logged.
    pub fn log(&self) -> Vec<Value> {
        let Process::Outside(program) = &self.process else { panic!("it runs in this process") };
        program.log()
    }

    /// Waits until all that was acknowledged is in the database.
    pub async fn settle(&self) {
        eventually("everything is committed", async || {
            let (_, status) = self.retell.admin("/admin/status").await;
            is_settled(&status).then_some(())
        })
        .await;
    }

    /// Everything in `seen` must be `of` this company, or of nobody.
    pub fn belongs(&mut self, of: Option<Owner>, seen: &[u8], what: impl std::fmt::Display) {
        let strangers: Vec<_> =
            Owner::named_in(seen).into_iter().filter(|owner| Some(*owner) != of).collect();
        if !strangers.is_empty() {
            let text = String::from_utf8_lossy(seen).into_owned();
            self.crossed.push(format!("{what}: {strangers:?} shown to {of:?}: {text}"));
        }
    }

    pub async fn run(&mut self, operation: &Operation) {
        match operation {
            Operation::Event { line, event, signer } => {
                let body = event_body(*line, *event, author(*line, *signer));
                let answer = self.post("/webhooks/retell", "", *signer, *line, &body).await;
                self.belongs(Some(author(*line, *signer)), &answer.body, format!("answer to {operation:?}"));
            }
            Operation::Function { line, function, hour, half, signer } => {
                let author = author(*line, *signer);
                let (name, args) = arguments(*function, author, *hour, *half);
                let body = json!({ "name": name, "call": call_of(*line), "args": args });
                let answer = self.post_function(name, None, *signer, *line, &body).await;
                self.belongs(Some(author), &answer.body, format!("answer to {operation:?}"));
            }
            Operation::Bare { call, function, signer } => {
                self.bare(*call, *function, *signer, operation).await
            }
            Operation::Inbound { line, signer } => {
                let body = json!({ "event": "call_inbound", "event_timestamp": now_ms(), "call_inbound": {
                    "call_id": id(line.call), "agent_id": line.owner.agent(), "from_number": CALLER,
                    "to_number": line.owner.number() } });
                let answer = self.post("/webhooks/retell", "/inbound", *signer, *line, &body).await;
                self.belongs(Some(author(*line, *signer)), &answer.body, format!("answer to {operation:?}"));
            }
            Operation::Announce { about, secret, door, cancels, by_metadata } => {
                self.announce(*about, *secret, *door, (*cancels, *by_metadata)).await;
            }
            Operation::Steal { thief, victim, agent } => self.steal(*thief, *victim, *agent).await,
            Operation::Look { company } => self.look(*company).await,
            Operation::Replay { place } => self.replay(*place).await,
        }
    }

    async fn post(&self, path: &str, end: &str, signer: Signer, line: Line, body: &Value) -> Answer {
        let (retell, door) = match signer {
            Signer::Platform { own_door: false } => (self.retell.clone(), String::new()),
            Signer::Platform { own_door: true } => (self.retell.clone(), format!("/{}", line.owner.slug())),
            Signer::Own { signer, door } => {
                (self.retell.with_key(&signer.key()), format!("/{}", door.slug()))
            }
        };
        retell.post(&format!("{path}{door}{end}"), body).await
    }

    async fn post_function(
        &self,
        name: &str,
        beside: Option<&str>,
        signer: Signer,
        line: Line,
        body: &Value,
    ) -> Answer {
        let (retell, company) = match signer {
            Signer::Platform { own_door: false } => (self.retell.clone(), None),
            Signer::Platform { own_door: true } => (self.retell.clone(), Some(line.owner)),
            Signer::Own { signer, door } => (self.retell.with_key(&signer.key()), Some(door)),
        };
        let company = company.map(|company| format!("company={}", company.slug()));
        let beside = beside.map(|id| format!("call_id={id}"));
        let query: Vec<String> = company.into_iter().chain(beside).collect();
        retell.post(&format!("/functions/retell/{name}?{}", query.join("&")), body).await
    }

    /// Arguments alone: of the platform they are whoever's call it is; of a company its own calls' alone.
    async fn bare(&mut self, call: Named, function: Function, signer: Signer, operation: &Operation) {
        let owner = match (signer, call) {
            (Signer::Own { signer, .. }, _) => signer,
            (Signer::Platform { .. }, Named::Of(owner, _)) => owner,
            // Of an id that several use nobody could say whose the answer is.
            (Signer::Platform { .. }, Named::Shared(_)) => return,
        };
        let (name, args) = arguments(function, owner, 9, false);
        let line = Line { owner, call };
        let answer = self.post_function(name, Some(&id(call)), signer, line, &args).await;
        self.belongs(Some(owner), &answer.body, format!("answer to {operation:?}"));
    }

    /// An announcement of one company about a booking of another: it may change nothing.
    async fn announce(&mut self, about: usize, secret: Owner, door: Owner, how: (bool, bool)) {
        let (cancels, by_metadata) = how;
        let bookings = self.calcom.bookings();
        let foreign: Vec<_> = bookings.iter().filter(|booking| booking.company != secret.slug()).collect();
        let Some(booking) = foreign.get(about.checked_rem(foreign.len()).unwrap_or_default()) else { return };
        let uid = if by_metadata { format!("uid{about}") } else { booking.uid.clone() };
        let time = |ms: i64| jiff::Timestamp::from_millisecond(ms).unwrap().to_string();
        let (start, end) = (time(booking.start_ms + 1_800_000), time(booking.end_ms + 1_800_000));
        let mut body = created(&uid, booking.event_type_id, booking.host_id, (&start, &end));
        let from = format!("FROM appointments WHERE calcom_uid = '{}'", booking.uid);
        let ids = self.tables.texts("id", &from).await;
        if let Some(appointment) = ids.first() {
            body["payload"]["metadata"] = json!({ "askpro_appointment": appointment });
        }
        body["payload"]["title"] = json!(format!("Termin {}", secret.token()));
        body["createdAt"] = json!(time(now_ms()));
        if cancels {
            body["triggerEvent"] = json!("BOOKING_CANCELLED");
            merge(&mut body["payload"], json!({ "status": "CANCELLED" }));
        }
        let bytes = body.to_string().into_bytes();
        let answer = announce(&self.retell.base, &door.slug(), Some(&secret.secret()), &bytes).await;
        assert_eq!(answer.status.as_u16() == 204, secret == door, "{answer:?}");
        self.belongs(Some(secret), &answer.body, "answer to an announcement");
    }

    async fn steal(&mut self, thief: Owner, victim: Owner, agent: bool) {
        let mut file = companies();
        let branch = &mut file["companies"][thief.0]["branches"][0];
        let (list, loot) =
            if agent { ("agents", victim.agent()) } else { ("phone_numbers", victim.number()) };
        branch[list] = json!([loot]);
        // The file of the thief alone: in one file with the victim's it is a duplicate.
        let thiefs = json!({ "companies": [file["companies"][thief.0]] });
        let imported = self.setup.import(&thiefs).await;
        assert_eq!(imported.is_ok(), thief == victim, "{thief:?} takes from {victim:?}: {imported:?}");
    }

    /// What an admin sees of one company alone.
    pub async fn look(&mut self, company: Owner) {
        let slug = company.slug();
        for path in [
            format!("/admin/calls?state=live&company={slug}&limit=1000"),
            format!("/admin/calls?state=all&company={slug}&limit=1000"),
            format!("/admin/companies/{slug}"),
            format!("/admin/companies/{slug}/calendar-events"),
        ] {
            let answer = self.retell.admin_answer("GET", &path).await;
            assert!(answer.status.is_success(), "{path}: {answer:?}");
            self.belongs(Some(company), &answer.body, &path);
        }
    }

    async fn replay(&mut self, place: usize) {
        let (_, list) = self.retell.admin("/admin/quarantine").await;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let Some(item) = items.get(place.checked_rem(items.len()).unwrap_or_default()) else { return };
        let path = format!("/admin/quarantine/{}/replay", item["id"].as_str().unwrap());
        self.retell.admin_answer("POST", &path).await;
    }
}

/// Whose words a body holds: whoever signed it chose them.
fn author(line: Line, signer: Signer) -> Owner {
    match signer {
        Signer::Platform { .. } => line.owner,
        Signer::Own { signer, .. } => signer,
    }
}

/// Ids tell nothing of their company.
pub fn id(call: Named) -> String {
    match call {
        Named::Of(owner, call) => format!("call_{}_{call}", owner.0),
        Named::Shared(call) => format!("call_s_{call}"),
    }
}

fn call_of(line: Line) -> Value {
    json!({
        "call_id": id(line.call), "call_type": "phone_call", "agent_id": line.owner.agent(), "agent_version": 4,
        "call_status": "ongoing", "start_timestamp": now_ms() - 1_000, "direction": "inbound",
        "from_number": CALLER, "to_number": line.owner.number(),
    })
}

fn event_body(line: Line, name: EventName, author: Owner) -> Value {
    let (call, token) = (call_of(line), author.token());
    let words =
        json!({ "transcript": format!("User: Hallo {token}\n"), "agent_name": format!("Agent {token}") });
    match name {
        EventName::Started => event("call_started", &with(call, words)),
        EventName::Transcript => event("transcript_updated", &with(call, words)),
        EventName::Ended => event("call_ended", &with(over(&call, 60_000, "user_hangup"), words)),
        EventName::Analyzed => {
            let analysis = json!({ "call_analysis": { "call_summary": format!("Wunsch {token}") } });
            event("call_analyzed", &with(with(over(&call, 60_000, "user_hangup"), words), analysis))
        }
        EventName::Transfer => {
            let mut body = fixture_of("retell", "transfer_started");
            body["call"] = with(call, words);
            body["transfer_destination"] = json!({ "number": CALLER, "note": token });
            body
        }
    }
}

fn with(mut object: Value, more: Value) -> Value {
    merge(&mut object, more);
    object
}

fn arguments(function: Function, author: Owner, hour: u8, half: bool) -> (&'static str, Value) {
    let at = slot(i8::try_from(hour).unwrap(), if half { 30 } else { 0 });
    let service = if half { "Schnitt".to_owned() } else { format!("Kur {}", author.token()) };
    let wish = json!({ "service": service, "date": at.german_date, "time": at.time });
    match function {
        Function::Check => ("check_availability", wish),
        Function::Book => {
            let who = json!({ "name": author.customer(), "notes": format!("Notiz {}", author.token()),
                "email": format!("anna@{}.example", author.token()) });
            ("book_appointment", with(wish, who))
        }
        Function::Services => ("list_services", json!({})),
        Function::Hours => ("opening_hours", json!({})),
        Function::Customer => ("check_customer", json!({})),
        Function::Appointments => ("find_appointments", json!({})),
        Function::Callback => {
            let reason = format!("Rückruf {}", author.token());
            ("request_callback", json!({ "name": author.customer(), "reason": reason }))
        }
        Function::Date => ("parse_date", json!({ "text": "morgen um drei" })),
    }
}
