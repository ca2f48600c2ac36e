//! The company of the stories: `friseur-mitte` on Mon 2026-11-23 09:00 in Berlin. Invented values.

use std::collections::BTreeMap;

use crate::{
    ids::{BranchId, CompanyId, ServiceId, StaffId},
    tenant::{
        Branch, Company, CompanyKeys, HourRange, InboundSettings, Language, Limits, Service, ServiceStaff,
        Staff, Weekday,
    },
    time::UnixMillis,
};

pub(crate) const SLUG: &str = "friseur-mitte";

pub(crate) fn at(text: &str) -> UnixMillis {
    UnixMillis::parse_rfc3339(text).unwrap()
}

pub(crate) fn now() -> UnixMillis {
    at("2026-11-23T09:00:00+01:00")
}

pub(crate) fn service_id(slug: &str) -> ServiceId {
    ServiceId::of_slugs(&[SLUG, slug])
}

pub(crate) fn staff_id(slug: &str) -> StaffId {
    StaffId::of_slugs(&[SLUG, slug])
}

/// Mon to Fri 09:00 to 18:00, closed on 2026-12-25, notice 15 minutes; Udo and Mia cut, Udo does perms.
pub(crate) fn friseur_mitte() -> Company {
    let days = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];
    let hours = days.into_iter().map(|day| (day, vec![HourRange { from_minute: 540, to_minute: 1080 }]));
    Company {
        id: CompanyId::of_slugs(&[SLUG]),
        slug: SLUG.to_owned(),
        name: "Friseur Mitte".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        language: Language::De,
        notice_minutes: 15,
        holidays: ["2026-12-25".to_owned()].into(),
        limits: Limits::default(),
        keys: CompanyKeys::default(),
        branches: vec![Branch {
            id: BranchId::of_slugs(&[SLUG, "mitte"]),
            slug: "mitte".to_owned(),
            name: "Mitte".to_owned(),
            phone_numbers: Vec::new(),
            agents: vec!["agent_a1".to_owned()],
            opening_hours: Some(hours.collect::<BTreeMap<_, _>>()),
            inbound: InboundSettings::default(),
        }],
        staff: vec![member("udo", "Udo", 9001), member("mia", "Mia", 9002)],
        services: vec![
            service("herrenhaarschnitt", "Herrenhaarschnitt", 30, &["udo", "mia"]),
            service("dauerwelle", "Dauerwelle", 135, &["udo"]),
        ],
    }
}

fn member(slug: &str, name: &str, user: i64) -> Staff {
    Staff {
        id: staff_id(slug),
        slug: slug.to_owned(),
        name: name.to_owned(),
        branch: Some(BranchId::of_slugs(&[SLUG, "mitte"])),
        calcom_user_id: Some(user),
    }
}

pub(crate) fn service(slug: &str, name: &str, minutes: u32, staff: &[&str]) -> Service {
    let member = |slug: &&str| ServiceStaff { staff: staff_id(slug), calcom_event_type_id: None };
    Service {
        id: service_id(slug),
        slug: slug.to_owned(),
        name: name.to_owned(),
        synonyms: Vec::new(),
        duration_minutes: minutes,
        price_cents: Some(3200),
        currency: Some("EUR".to_owned()),
        calcom_event_type_id: Some(2001),
        staff: staff.iter().map(member).collect(),
    }
}
