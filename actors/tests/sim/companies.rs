//! Companies that a seed decides: branches, hours, holidays, staff, services of every kind, and what their
//! calendar offers.

use std::collections::BTreeSet;

use askpro_actors::runtime::Dice;
use askpro_domain::{
    ids::CompanyId,
    tenant::{Company, Service, parse_import},
    time::UnixMillis,
};
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use crate::calendar::{Calendar, EventType};

/// The Monday on which every simulation begins.
pub(crate) const FIRST_DAY: Date = jiff::civil::date(2026, 11, 23);
/// Days that calendars offer.
const DAYS_OFFERED: i64 = 14;

const SERVICES: [&str; 8] = [
    "Herrenhaarschnitt",
    "Dauerwelle",
    "Kontrolle",
    "Massage",
    "Beratung",
    "Zahnreinigung",
    "Impfung",
    "Reifenwechsel",
];
const STAFF: [&str; 8] = ["Udo", "Mia", "Eva", "Jonas", "Beate", "Konrad", "Selma", "Theo"];
const MINUTES: [u32; 4] = [15, 30, 45, 60];

/// What callers know of a company.
#[derive(Debug, Clone)]
pub(crate) struct Shop {
    pub(crate) id: CompanyId,
    pub(crate) numbers: Vec<String>,
    pub(crate) services: Vec<Wished>,
    pub(crate) is_german: bool,
}

/// A service as callers wish it.
#[derive(Debug, Clone)]
pub(crate) struct Wished {
    pub(crate) name: String,
    pub(crate) staff: Vec<String>,
}

/// Companies of a seed. Every third shares the platform's key; that is the calendar's to know.
pub(crate) fn companies(count: usize, dice: &mut Dice) -> Vec<Company> {
    let list: Vec<Value> = (0..count).map(|number| company(number, dice)).collect();
    parse_import(&json!({ "companies": list })).expect("companies that can be imported").companies
}

fn company(number: usize, dice: &mut Dice) -> Value {
    let german = !number.is_multiple_of(4);
    let staff_count = 1 + dice.below(4);
    let branch_count = 1 + dice.below(3);
    let staff: Vec<Value> = (0..staff_count).map(|member| staff(number, member)).collect();
    let services: Vec<Value> =
        (0..1 + dice.below(3)).map(|service| self::service(number, service, staff_count, dice)).collect();
    let branches: Vec<Value> = (0..branch_count).map(|branch| self::branch(number, branch, dice)).collect();
    let holidays: Vec<String> =
        if dice.percent(20) { vec![(FIRST_DAY + 2.days()).to_string()] } else { Vec::new() };
    let notice = [0, 15, 60][dice.below(3)];
    let language = if german { "de" } else { "en" };
    json!({
        "slug": format!("firma-{number}"), "name": format!("Firma {number}"), "time_zone": "Europe/Berlin",
        "language": language, "notice_minutes": notice,
        "holidays": holidays, "limits": {"concurrent_calls": 50, "calls_per_minute": 600},
        "branches": branches, "staff": staff, "services": services,
    })
}

fn staff(company: usize, member: usize) -> Value {
    let name = STAFF[(company + member) % STAFF.len()];
    json!({"slug": name.to_lowercase(), "name": name, "calcom_user_id": 10_000 + company * 10 + member})
}

fn branch(company: usize, branch: usize, dice: &mut Dice) -> Value {
    let hours = ["08:00-18:00", "09:00-13:00", "10:00-20:00"][dice.below(3)];
    let week = json!({"mon": [hours], "tue": [hours], "wed": [hours], "thu": [hours], "fri": [hours]});
    let known = if dice.percent(90) { week } else { Value::Null };
    json!({
        "slug": format!("filiale-{branch}"), "name": format!("Filiale {branch}"),
        "phone_numbers": [number_of(company, branch)], "agents": [format!("agent_{company}_{branch}")],
        "opening_hours": known,
    })
}

fn number_of(company: usize, branch: usize) -> String {
    format!("+4930837{:05}", 10_000 + company * 10 + branch)
}

/// A pool without own types, one whose members have own types, one that mixes both, or one member alone.
fn service(company: usize, service: usize, staff_count: usize, dice: &mut Dice) -> Value {
    let event_type = 1_000_000 + company * 1_000 + service * 100;
    let members = if dice.percent(25) { 1 } else { staff_count };
    let kind = dice.below(3);
    let served: Vec<Value> = (0..members)
        .map(|member| {
            let slug = STAFF[(company + member) % STAFF.len()].to_lowercase();
            match kind {
                0 => json!(slug),
                1 if member == 0 => json!(slug),
                _ => json!({"slug": slug, "calcom_event_type_id": event_type + 1 + member}),
            }
        })
        .collect();
    let name = SERVICES[(company + service * 3) % SERVICES.len()];
    let minutes = MINUTES[dice.below(4)];
    json!({
        "slug": format!("dienst-{service}"), "name": name,
        "duration_minutes": minutes, "price_cents": 3200, "currency": "EUR",
        "calcom_event_type_id": event_type, "staff": served,
    })
}

/// What callers know of a company.
pub(crate) fn shop(company: &Company) -> Shop {
    let numbers = company.branches.iter().flat_map(|branch| &branch.phone_numbers);
    let name_of = |id| company.staff_member(id).map(|staff| staff.name.clone());
    let wished = |service: &Service| Wished {
        name: service.name.clone(),
        staff: service.staff.iter().filter_map(|member| name_of(member.staff)).collect(),
    };
    Shop {
        id: company.id,
        numbers: numbers.map(|number| number.as_str().to_owned()).collect(),
        services: company.services.iter().map(wished).collect(),
        is_german: company.language == askpro_domain::tenant::Language::De,
    }
}

/// The calendar offers what the company has: everybody works from eight to eight on workdays.
pub(crate) fn offer(calendar: &mut Calendar, company: &Company) {
    for service in &company.services {
        let user = |id| company.staff_member(id).and_then(|staff| staff.calcom_user_id);
        let minutes = i64::from(service.duration_minutes);
        let hosts: Vec<i64> = service.staff.iter().filter_map(|member| user(member.staff)).collect();
        let event_type = |hosts| EventType { company: company.id, hosts, minutes, starts: starts(minutes) };
        if let Some(id) = service.calcom_event_type_id {
            calendar.offer(id, event_type(hosts));
        }
        for member in &service.staff {
            if let (Some(id), Some(host)) = (member.calcom_event_type_id, user(member.staff)) {
                calendar.offer(id, event_type(vec![host]));
            }
        }
    }
}

fn starts(minutes: i64) -> BTreeSet<UnixMillis> {
    let days = (0..DAYS_OFFERED).map(|day| FIRST_DAY + day.days());
    let workdays = days.filter(|day| day.weekday().to_monday_one_offset() < 6);
    workdays
        .flat_map(|day| (8 * 60..20 * 60 - minutes).step_by(30).map(move |minute| at(day, minute)))
        .collect()
}

/// A minute of a day in Berlin.
pub(crate) fn at(day: Date, minute: i64) -> UnixMillis {
    let berlin = TimeZone::get("Europe/Berlin").expect("a zone that everybody knows");
    let midnight = berlin.to_timestamp(day.at(0, 0, 0, 0)).expect("a day with a midnight");
    UnixMillis(midnight.as_millisecond() + minute * 60_000)
}
