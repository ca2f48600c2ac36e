//! Services, hours, customers, appointments and callbacks: what is asked, what is answered, in both languages.

use serde_json::{Value, json};

use super::{fixture::*, told::*, *};
use crate::{
    booking::AppointmentStatus,
    callback::{Callback, CallbackOrder, Priority},
    customer::{Card, Known, Upcoming},
    ids::{AppointmentId, CallId},
    phone::PhoneNumber,
    tenant::{Company, HourRange, Language, Service, Weekday},
    time::{Interval, UnixMillis},
};

fn company(language: Language) -> Company {
    let mut company = Company { language, ..friseur_mitte() };
    company
        .services
        .push(Service { price_cents: None, ..service("damen", "Damenhaarschnitt", 45, &["udo", "mia"]) });
    company
}

fn parsed(
    company: &Company,
    name: FunctionName,
    args: &Value,
    now: UnixMillis,
) -> Result<FunctionOrder, FunctionAnswer> {
    parse_order(name, args.as_object().unwrap(), company, &company.branches[0], now).order
}

fn listed(company: &Company, args: &Value) -> FunctionAnswer {
    match parsed(company, FunctionName::ListServices, args, now()) {
        Ok(FunctionOrder::ListServices(order)) => list_services(company, &company.branches[0], &order),
        Err(refused) => refused,
        other => panic!("{other:?}"),
    }
}

fn hours_at(company: &Company, args: &Value, now: UnixMillis) -> FunctionAnswer {
    match parsed(company, FunctionName::OpeningHours, args, now) {
        Ok(FunctionOrder::OpeningHours(order)) => opening_hours(company, &company.branches[0], &order, now),
        Err(refused) => refused,
        other => panic!("{other:?}"),
    }
}

fn names(answer: &FunctionAnswer) -> Vec<&str> {
    let services = answer.field("services").and_then(Value::as_array).unwrap();
    services.iter().map(|service| service["name"].as_str().unwrap()).collect()
}

#[test]
fn services_are_told_shortly_and_listed_whole() {
    let answer = listed(&company(Language::De), &json!({}));
    let spoken = "Wir bieten an: Herrenhaarschnitt, 30 Minuten für 32 Euro; Dauerwelle, 135 Minuten für 32 Euro; \
        Damenhaarschnitt, 45 Minuten. Was darf es sein?";
    assert_eq!((answer.success, answer.code, answer.message.as_str()), (true, "services_listed", spoken));
    let first = json!({"name": "Herrenhaarschnitt", "duration_minutes": 30, "price_cents": 3200,
        "currency": "EUR", "staff": ["Udo", "Mia"]});
    assert_eq!(answer.field("services").unwrap()[0], first);
    assert_eq!(answer.field("services").unwrap()[2]["price_cents"], Value::Null);
    let mut many = company(Language::En);
    many.services.extend((0..60).map(|n| service(&format!("s{n}"), &format!("Service {n}"), 60, &["udo"])));
    let answer = listed(&many, &json!({}));
    assert!(answer.message.ends_with("And there are 59 more. Which would you like?"), "{}", answer.message);
    assert_eq!((names(&answer).len(), answer.field("services_total")), (50, Some(&json!(63))));
    assert!(answer.message.len() < 300 && answer.to_bytes().len() < ANSWER_CHARS_MAX);
}

#[test]
fn services_are_filtered_by_name_and_by_who_does_them() {
    let company = company(Language::De);
    let cases: [(Value, &[&str]); 6] = [
        (json!({"service": "dauerwele"}), &["Dauerwelle"]),
        (json!({"dienstleistung": "Herren"}), &["Herrenhaarschnitt"]),
        (json!({"mitarbeiter": "Mia"}), &["Herrenhaarschnitt", "Damenhaarschnitt"]),
        (json!({"staff": "Mia", "service": "Damen"}), &["Damenhaarschnitt"]),
        (
            json!({"staff": "egal", "service": "None"}),
            &["Herrenhaarschnitt", "Dauerwelle", "Damenhaarschnitt"],
        ),
        (json!({"staff": "Mia", "service": "Dauerwelle"}), &[]),
    ];
    for (args, wanted) in cases {
        assert_eq!(names(&listed(&company, &args)), wanted, "{args}");
    }
    let one = listed(&company, &json!({"service": "Dauerwelle"}));
    assert_eq!(one.message, "Dauerwelle, 135 Minuten für 32 Euro, bei Udo. Möchten Sie dafür einen Termin?");
    for (args, code) in [
        (json!({"service": "Zahnreinigung"}), "service_not_found"),
        (json!({"staff": "Kevin"}), "staff_not_found"),
    ] {
        assert_eq!(listed(&company, &args).code, code);
    }
}

#[test]
fn a_name_that_fits_several_services_lists_all_of_them() {
    let mut company = company(Language::De);
    company.services.push(service("herrenbart", "Herrenbart", 15, &["udo"]));
    assert_eq!(names(&listed(&company, &json!({"service": "herren"}))), ["Herrenhaarschnitt", "Herrenbart"]);
}

#[test]
fn a_day_says_its_hours_and_whether_it_is_open_now() {
    let (de, en) = (company(Language::De), company(Language::En));
    let monday = |time: &str| at(&format!("2026-11-23T{time}:00+01:00"));
    let cases = [
        (
            json!({"date": "heute"}),
            "09:00",
            "Heute haben wir von 9 Uhr bis 18 Uhr geöffnet, jetzt auch. Möchten Sie einen Termin?",
            "Today we are open from 9 am to 6 pm, right now too. Would you like an appointment?",
            true,
            "2026-11-24T09:00:00+01:00",
        ),
        (
            json!({"datum": "heute"}),
            "18:00",
            "Heute haben wir von 9 Uhr bis 18 Uhr geöffnet, im Moment ist geschlossen. Möchten Sie einen Termin?",
            "Today we are open from 9 am to 6 pm, at the moment we are closed. Would you like an appointment?",
            false,
            "2026-11-24T09:00:00+01:00",
        ),
        (
            json!({"datetime": "24.11.2026"}),
            "08:59",
            "Am Dienstag, den 24. November haben wir von 9 Uhr bis 18 Uhr geöffnet. Möchten Sie einen Termin?",
            "On Tuesday, November 24 we are open from 9 am to 6 pm. Would you like an appointment?",
            false,
            "2026-11-23T09:00:00+01:00",
        ),
        (
            json!({"date": "28.11.2026", "time": "11:00"}),
            "12:00",
            "Am Samstag, den 28. November haben wir geschlossen. Das nächste Mal öffnen wir am Dienstag, den 24. November um 9 Uhr. Möchten Sie einen Termin?",
            "On Saturday, November 28 we are closed. We open next on Tuesday, November 24 at 9 am. Would you like an appointment?",
            true,
            "2026-11-24T09:00:00+01:00",
        ),
    ];
    for (args, time, german, english, open_now, next) in cases {
        let (german_answer, english_answer) =
            (hours_at(&de, &args, monday(time)), hours_at(&en, &args, monday(time)));
        assert_eq!((german_answer.message.as_str(), english_answer.message.as_str()), (german, english));
        assert_eq!((german_answer.code, german_answer.success), ("opening_hours", true));
        assert_eq!(german_answer.field("open_now"), Some(&json!(open_now)), "{args}");
        assert_eq!(german_answer.field("next_opening"), Some(&json!(next)), "{args}");
        assert!(german_answer.fields().eq(english_answer.fields()));
    }
}

#[test]
fn a_week_is_told_by_its_rule_and_its_exceptions() {
    let mut company = company(Language::De);
    let range = |from_minute, to_minute| HourRange { from_minute, to_minute };
    let hours = company.branches[0].opening_hours.as_mut().unwrap();
    hours.insert(Weekday::Fri, vec![range(540, 720), range(780, 1080)]);
    company.holidays.insert("2026-11-26".to_owned());
    let answer = hours_at(&company, &json!({}), at("2026-11-25T10:00:00+01:00"));
    assert_eq!(
        answer.message,
        "Unsere Öffnungszeiten sind: Montag bis Donnerstag von 9 Uhr bis 18 Uhr; Freitag von 9 Uhr bis 12 Uhr und von \
         13 Uhr bis 18 Uhr; Samstag und Sonntag geschlossen. Ausnahmsweise geschlossen ist am Donnerstag, den 26. \
         November. Möchten Sie einen Termin?"
    );
    let hours = answer.field("hours").and_then(Value::as_array).unwrap();
    assert_eq!(hours.len(), 7);
    assert_eq!(
        hours[0],
        json!({"date": "2026-11-25", "weekday": "wed", "hours": ["09:00-18:00"], "closed": null})
    );
    assert_eq!(hours[1], json!({"date": "2026-11-26", "weekday": "thu", "hours": [], "closed": "holiday"}));
    assert_eq!(hours[2]["hours"], json!(["09:00-12:00", "13:00-18:00"]));
    assert_eq!(hours[3]["closed"], "closed_day");
    assert_eq!(answer.field("next_opening"), Some(&json!("2026-11-27T09:00:00+01:00")), "over the holiday");
    let lunch = hours_at(&company, &json!({"date": "27.11."}), at("2026-11-27T12:30:00+01:00"));
    assert_eq!(lunch.field("open_now"), Some(&json!(false)));
    assert_eq!(lunch.field("next_opening"), Some(&json!("2026-11-27T13:00:00+01:00")));
}

#[test]
fn hours_that_nobody_knows_are_not_made_up() {
    let mut company = company(Language::De);
    company.branches[0].opening_hours = None;
    company.holidays.insert("2026-11-26".to_owned());
    for args in [json!({}), json!({"date": "morgen"})] {
        let answer = hours_at(&company, &args, now());
        assert_eq!(
            (answer.success, answer.code, answer.field("callback_offered")),
            (false, "hours_unknown", Some(&json!(true)))
        );
    }
    let holiday = hours_at(&company, &json!({"date": "25.12.2026"}), now());
    assert_eq!((holiday.code, holiday.field("next_opening")), ("opening_hours", Some(&Value::Null)));
    assert_eq!(
        holiday.message,
        "Am Freitag, den 25. Dezember haben wir geschlossen. Möchten Sie einen Termin?"
    );
    for (date, code) in [
        ("24.11.2023", "date_in_past"),
        ("irgendwann", "date_missing"),
        ("Blumentopf", "date_not_understood"),
    ] {
        assert_eq!(hours_at(&company, &json!({"date": date}), now()).code, code);
    }
}

fn upcoming(n: i64, status: AppointmentStatus) -> Upcoming {
    let start = at("2026-11-24T14:00:00+01:00").plus_ms(n * 86_400_000);
    Upcoming {
        appointment: AppointmentId::of_order(&CallId::parse("c").unwrap(), &n.to_string(), 1),
        interval: Interval::of_minutes(start, 30).unwrap(),
        service: service_id("herrenhaarschnitt"),
        staff: Some(staff_id("udo")),
        status,
        version: 2,
    }
}

fn caller(known: Known, upcoming: Vec<Upcoming>) -> Caller {
    Caller::Number(Card { known, upcoming })
}

fn anna() -> Known {
    Known::One("Anna Schmidt".to_owned())
}

#[test]
fn a_customer_is_greeted_by_name_and_anybody_else_is_asked_for_it() {
    let cut = || vec![upcoming(0, AppointmentStatus::Confirmed)];
    let cases = [
        (
            caller(anna(), cut()),
            "customer_known",
            true,
            json!("Anna Schmidt"),
            "Spreche ich mit Anna Schmidt? Der nächste Termin ist am Dienstag, den 24. November um 14 Uhr, Herrenhaarschnitt bei Udo. Was kann ich für Sie tun?",
            "Am I speaking with Anna Schmidt? The next appointment is on Tuesday, November 24 at 2 pm, Herrenhaarschnitt with Udo. What can I do for you?",
        ),
        (
            caller(anna(), vec![]),
            "customer_known",
            true,
            json!("Anna Schmidt"),
            "Spreche ich mit Anna Schmidt? Was kann ich für Sie tun?",
            "Am I speaking with Anna Schmidt? What can I do for you?",
        ),
        (
            caller(Known::Several, cut()),
            "customer_ambiguous",
            true,
            Value::Null,
            "Unter dieser Nummer sind mehrere Kunden bekannt. Mit wem spreche ich bitte?",
            "Several customers are known under this number. Who am I speaking with, please?",
        ),
        (
            caller(Known::Nobody, cut()),
            "customer_unknown",
            false,
            Value::Null,
            "Mit wem spreche ich bitte?",
            "Who am I speaking with, please?",
        ),
        (
            Caller::Anonymous,
            "customer_unknown",
            false,
            Value::Null,
            "Mit wem spreche ich bitte?",
            "Who am I speaking with, please?",
        ),
    ];
    for (caller, code, known, name, german, english) in cases {
        let answer = check_customer(&company(Language::De), &caller);
        assert_eq!((answer.success, answer.code, answer.message.as_str()), (true, code, german));
        assert_eq!(
            (answer.field("known"), answer.field("name")),
            (Some(&json!(known)), Some(&name)),
            "{german}"
        );
        assert_eq!(check_customer(&company(Language::En), &caller).message, english);
    }
    let answer = check_customer(&company(Language::De), &caller(anna(), cut()));
    let next = json!({"appointment_id": upcoming(0, AppointmentStatus::Confirmed).appointment,
        "slot": "2026-11-24T14:00:00+01:00", "service": "Herrenhaarschnitt", "staff": "Udo", "status": "confirmed"});
    assert_eq!(answer.field("next_appointment"), Some(&next));
    let several = check_customer(&company(Language::De), &caller(Known::Several, cut()));
    assert_eq!(several.field("next_appointment"), Some(&Value::Null), "whose it is cannot be told");
}

#[test]
fn appointments_are_told_to_their_number_alone() {
    let german = company(Language::De);
    let anonymous = find_appointments(&german, &Caller::Anonymous, &[]);
    assert_eq!((anonymous.success, anonymous.code), (false, "identity_required"));
    assert_eq!(anonymous.field("callback_offered"), Some(&json!(true)));
    let none = find_appointments(&german, &caller(anna(), vec![]), &[]);
    assert_eq!(
        (none.success, none.code, none.field("appointments")),
        (true, "no_appointments", Some(&json!([])))
    );
    let open = upcoming(1, AppointmentStatus::PendingConfirmation);
    let two = vec![upcoming(0, AppointmentStatus::Confirmed), open.clone()];
    let found = find_appointments(&german, &caller(anna(), two), std::slice::from_ref(&open));
    assert_eq!(
        found.message,
        "Ich finde für Sie: am Dienstag, den 24. November um 14 Uhr, Herrenhaarschnitt bei Udo; am Mittwoch, den 25. \
         November um 14 Uhr, Herrenhaarschnitt bei Udo, noch nicht bestätigt. Worum geht es?"
    );
    let statuses: Vec<&Value> =
        found.field("appointments").and_then(Value::as_array).unwrap().iter().map(|a| &a["status"]).collect();
    assert_eq!(statuses, ["confirmed", "pending_confirmation"], "each once, also those of this call");
    let of_the_call = find_appointments(&german, &Caller::Anonymous, &[open]);
    assert_eq!(
        (of_the_call.code, of_the_call.field("appointments_total")),
        ("appointments_found", Some(&json!(1)))
    );
    let many = (0..30).map(|n| upcoming(n, AppointmentStatus::Confirmed)).collect();
    let many = find_appointments(&company(Language::En), &caller(anna(), many), &[]);
    assert!(many.message.ends_with("And there are 27 more. What is it about?"), "{}", many.message);
    assert_eq!(many.field("appointments").and_then(Value::as_array).map(Vec::len), Some(20));
}

#[test]
fn a_service_or_a_colleague_who_is_gone_is_left_out() {
    let mut company = company(Language::De);
    company.services.clear();
    company.staff.clear();
    let found =
        find_appointments(&company, &caller(anna(), vec![upcoming(0, AppointmentStatus::Confirmed)]), &[]);
    assert_eq!(found.message, "Ich finde für Sie: am Dienstag, den 24. November um 14 Uhr. Worum geht es?");
}

fn called_back(args: &Value) -> Result<CallbackOrder, FunctionAnswer> {
    parsed(&company(Language::De), FunctionName::RequestCallback, args, now()).map(|order| match order {
        FunctionOrder::RequestCallback(order) => order,
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_callback_has_a_priority_a_reason_and_a_time() {
    for (word, wanted) in [
        ("normal", Priority::Normal),
        ("egal wann", Priority::Normal),
        ("HIGH", Priority::High),
        ("hoch", Priority::High),
        ("dringend!", Priority::Urgent),
        ("Sehr dringend", Priority::Urgent),
        ("ASAP", Priority::Urgent),
        ("None", Priority::Normal),
    ] {
        assert_eq!(called_back(&json!({"prioritaet": word})).unwrap().priority, wanted, "{word}");
    }
    let order =
        called_back(&json!({"grund": "Preise", "notes": "bitte", "name": "Anna", "due": "24.11.2026 17:00",
        "phone_number": "+49 151 87654321"}))
        .unwrap();
    assert_eq!((order.reason.as_deref(), order.name.as_deref()), (Some("Preise"), Some("Anna")));
    assert_eq!(order.phone.as_ref().map(PhoneNumber::as_str), Some("+4915187654321"));
    let due = order.due.unwrap();
    assert_eq!((due.from, due.said.as_str()), (Some(at("2026-11-24T17:00:00+01:00")), "24.11.2026 17:00"));
    let split = called_back(&json!({"date": "morgen", "time": "17 Uhr"})).unwrap().due.unwrap();
    assert_eq!((split.from, split.said.as_str()), (Some(at("2026-11-24T17:00:00+01:00")), "morgen 17 Uhr"));
    let day = called_back(&json!({"wann": "heute"})).unwrap().due.unwrap();
    assert_eq!(day.from, Some(now()), "not before now");
    let words = called_back(&json!({"due": "wenn die Sonne scheint"})).unwrap().due.unwrap();
    assert_eq!((words.from, words.said.as_str()), (None, "wenn die Sonne scheint"));
    assert_eq!(called_back(&json!({"notizen": "nur so"})).unwrap().reason.as_deref(), Some("nur so"));
}

#[test]
fn what_cannot_be_right_of_a_callback_is_asked_again() {
    for (args, code) in [
        (json!({"due": "24.11.2023 17:00"}), "date_in_past"),
        (json!({"customer_phone": "0815"}), "phone_required"),
        (json!({"reason": "x".repeat(501)}), "argument_too_long"),
    ] {
        let refused = called_back(&args).unwrap_err();
        assert_eq!((refused.success, refused.code), (false, code), "{args}");
    }
}

#[test]
fn a_callback_is_the_same_order_however_it_is_said() {
    let key = |args: Value| order_key(&FunctionOrder::RequestCallback(called_back(&args).unwrap()));
    let first = key(json!({"due": "morgen 17:00", "reason": "Preise", "priority": "hoch"}));
    assert_eq!(
        first,
        key(json!({"date": "24.11.2026", "time": "17 Uhr", "grund": "preise", "priority": "high"}))
    );
    for other in [
        json!({"due": "morgen 17:30", "reason": "Preise", "priority": "hoch"}),
        json!({"due": "morgen 17:00", "reason": "Termin", "priority": "hoch"}),
        json!({"due": "morgen 17:00", "reason": "Preise"}),
    ] {
        assert_ne!(first, key(other.clone()), "{other}");
    }
}

#[test]
fn a_callback_that_was_taken_is_told_as_it_was_ordered() {
    let [own, other] = ["+4915112345678", "+4915187654321"].map(|n| PhoneNumber::parse_e164(n).unwrap());
    let call = CallId::parse("c").unwrap();
    let cases = [
        (
            json!({}),
            &own,
            "Ich habe notiert, dass Sie unter Ihrer Nummer zurückgerufen werden. Kann ich sonst noch helfen?",
            "I have noted that you will be called back under the number you are calling from. Is there anything else?",
        ),
        (
            json!({"priority": "dringend", "due": "morgen 17:00"}),
            &other,
            "Ich habe als dringend notiert, dass Sie unter der genannten Nummer zurückgerufen werden, ab Dienstag, den 24. November um 17 Uhr. Kann ich sonst noch helfen?",
            "I have noted as urgent that you will be called back under the number you gave, from Tuesday, November 24 at 5 pm on. Is there anything else?",
        ),
        (
            json!({"priority": "high", "due": "nach Feierabend"}),
            &other,
            "Ich habe mit Vorrang notiert, dass Sie unter der genannten Nummer zurückgerufen werden, Wunschzeit: nach Feierabend. Kann ich sonst noch helfen?",
            "I have noted with priority that you will be called back under the number you gave, preferred time: nach Feierabend. Is there anything else?",
        ),
    ];
    for (args, phone, german, english) in cases {
        let order = called_back(&args).unwrap();
        let wish = Callback::open(company(Language::De).id, &call, phone.clone(), &order, "key", now());
        let said = |language| callback_requested(&company(language), &wish.id, &order, phone, Some(&own));
        assert_eq!(
            (said(Language::De).message.as_str(), said(Language::En).message.as_str()),
            (german, english)
        );
        let answer = said(Language::De);
        assert_eq!((answer.success, answer.code), (true, "callback_requested"));
        assert_eq!(answer.field("callback_id"), Some(&json!(wish.id.as_str())));
        assert_eq!(answer.field("phone"), Some(&json!(phone.as_str())));
        assert_eq!(answer.field("due").unwrap(), args.get("due").unwrap_or(&Value::Null));
    }
}

/// Every sentence of [`Told`], for the tests of all answers.
pub(super) fn everything_told(speaker: &Speaker) -> Vec<FunctionAnswer> {
    let names = ["Udo", "Mia"].map(str::to_owned);
    let day = "2026-11-24".parse().unwrap();
    let at = "2026-11-24T14:00".parse().unwrap();
    let hours = [HourRange { from_minute: 540, to_minute: 1080 }];
    let line = ServiceLine { name: "Cut", minutes: 30, price: Some((3_200, "EUR")), staff: &names };
    let open = OpenDay { day, is_today: true, hours: &hours, is_open_now: true, next_opening: Some(at) };
    let runs = [
        SameHours { first: day, last: day, days: 1, hours: &hours },
        SameHours { first: day, last: day, days: 3, hours: &[] },
    ];
    let appointment = AppointmentLine { at, service: Some("Cut"), staff: Some("Udo"), is_confirmed: true };
    let open_appointment = AppointmentLine { service: None, staff: None, is_confirmed: false, ..appointment };
    let callback = CallbackLine { priority: Priority::Normal, due: None, is_own_number: true };
    let due = Some(DueLine::From(at));
    let all = [
        Told::Service(line),
        Told::Service(ServiceLine { price: Some((0, "EUR")), staff: &[], ..line }),
        Told::Services(&[line, ServiceLine { price: None, ..line }], 0),
        Told::Services(&[line, line], 3),
        Told::OpenDay(open),
        Told::OpenDay(OpenDay { is_open_now: false, ..open }),
        Told::OpenDay(OpenDay { is_today: false, ..open }),
        Told::OpenDay(OpenDay { hours: &[], ..open }),
        Told::OpenDay(OpenDay { hours: &[], next_opening: None, ..open }),
        Told::OpenDays(&runs, &[]),
        Told::OpenDays(&runs, &[day, day]),
        Told::HoursUnknown,
        Told::CustomerKnown("Anna", None),
        Told::CustomerKnown("Anna", Some(appointment)),
        Told::CustomersSeveral,
        Told::CustomerUnknown,
        Told::Appointments(&[appointment, open_appointment], 0),
        Told::Appointments(&[appointment], 2),
        Told::NoAppointments,
        Told::IdentityMissing,
        Told::CallbackRequested(callback),
        Told::CallbackRequested(CallbackLine { priority: Priority::High, due, ..callback }),
        Told::CallbackRequested(CallbackLine {
            priority: Priority::Urgent,
            due: Some(DueLine::Words("soon")),
            is_own_number: false,
        }),
        Told::PhoneMissing,
    ];
    all.iter().map(|told| speaker.tell(told)).collect()
}
