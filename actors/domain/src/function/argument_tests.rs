//! Names, contacts and choices that stand in a wrong place, or are no names at all, up to the typed order.

use serde_json::{Value, json};

use super::{fixture::*, *};
use crate::{
    ids::BranchId,
    phone::PhoneNumber,
    tenant::{Company, Staff},
};

const NAMES: &str = include_str!("names.tsv");

fn read_in(company: &Company, name: FunctionName, args: &Value) -> ReadOrder {
    parse_order(name, args.as_object().unwrap(), company, &company.branches[0], now())
}

fn booked(args: &Value) -> (BookOrder, Remarks) {
    booked_in(&friseur_mitte(), args)
}

fn booked_in(company: &Company, args: &Value) -> (BookOrder, Remarks) {
    match read_in(company, FunctionName::BookAppointment, args) {
        ReadOrder { order: Ok(FunctionOrder::BookAppointment(order)), remarks } => (order, remarks),
        other => panic!("{args}: {other:?}"),
    }
}

fn refused(args: &Value) -> FunctionAnswer {
    read_in(&friseur_mitte(), FunctionName::BookAppointment, args).order.unwrap_err()
}

#[test]
fn only_names_are_taken_as_names() {
    let lines: Vec<&str> = NAMES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(lines.len() >= 70, "{}", lines.len());
    for line in lines {
        let (sent, wanted) = line.split_once('\t').unwrap();
        let read =
            read_in(&friseur_mitte(), FunctionName::BookAppointment, &json!({ "customer_name": sent }));
        match read.order {
            Ok(FunctionOrder::BookAppointment(order)) => {
                // What stands for nothing at all is as if it were not there.
                assert_eq!(order.customer_name.as_deref().unwrap_or("-"), wanted, "{sent}");
            }
            Err(answer) => {
                assert_eq!(("-", "name_required"), (wanted, answer.code), "{sent}");
                assert_eq!(read.remarks.ignored, [Argument::CustomerName], "{sent}");
                assert!(answer.message.contains("kein Name"), "{}", answer.message);
            }
            Ok(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_member_of_staff_in_the_place_of_the_service_is_a_wish() {
    for args in [json!({"service": "Udo"}), json!({"service": "bei Herrn Udo"}), json!({"service": "Uod"})] {
        let (order, remarks) = booked(&args);
        assert_eq!((order.service, order.staff), (None, Some(staff_id("udo"))), "{args}");
        assert_eq!((remarks.moved, remarks.ignored), (vec![Argument::Service], vec![]), "{args}");
    }
    let (order, _) = booked(&json!({"service": "Udo", "staff": "Mia"}));
    assert_eq!(order.staff, Some(staff_id("mia")), "what is named in its place counts");
}

#[test]
fn a_service_and_its_host_may_stand_in_one() {
    for service in ["Herrenhaarschnitt bei Mia", "Herrenschnitt bei der Mia", "men's haircut with Mia"] {
        let (order, remarks) = booked(&json!({ "service": service }));
        assert_eq!(order.service, Some(service_id("herrenhaarschnitt")), "{service}");
        assert_eq!(
            (order.staff, remarks.moved),
            (Some(staff_id("mia")), vec![Argument::Service]),
            "{service}"
        );
    }
    assert_eq!(refused(&json!({"service": "Maniküre bei Mia"})).code, "service_not_found");
    assert_eq!(refused(&json!({"service": "Herrenhaarschnitt bei Kevin"})).code, "service_not_found");
}

#[test]
fn a_service_in_the_place_of_the_staff_is_taken_where_none_is_named() {
    let (order, remarks) = booked(&json!({"staff": "Herrenhaarschnitt"}));
    assert_eq!((order.service, order.staff), (Some(service_id("herrenhaarschnitt")), None));
    assert_eq!(remarks.moved, [Argument::Staff]);
    let (order, remarks) = booked(&json!({"service": "Dauerwelle", "staff": "Herrenschnitt"}));
    assert_eq!((order.service, order.staff), (Some(service_id("dauerwelle")), None));
    assert_eq!(remarks.ignored, [Argument::Staff]);
    assert_eq!(refused(&json!({"staff": "14 Uhr"})).code, "staff_not_found");
}

#[test]
fn nobody_in_particular_is_no_wish() {
    for staff in ["egal", "whoever is free", "jemand", "none", "nein", "Mitarbeiter"] {
        let (order, remarks) = booked(&json!({"service": "Herren", "staff": staff}));
        assert_eq!((order.staff, remarks), (None, Remarks::default()), "{staff}");
    }
}

#[test]
fn of_two_with_one_name_the_one_who_does_the_service_is_meant() {
    let mut company = friseur_mitte();
    let other = |slug: &str, branch: Option<BranchId>| Staff {
        id: staff_id(slug),
        slug: slug.to_owned(),
        name: "Udo Klein".to_owned(),
        branch,
        calcom_user_id: None,
    };
    company.staff[0].name = "Udo Berger".to_owned();
    company.staff.push(other("udo-klein", None));
    let (order, _) = booked_in(&company, &json!({"service": "Dauerwelle", "staff": "Udo"}));
    assert_eq!(order.staff, Some(staff_id("udo")));
    let read = read_in(&company, FunctionName::BookAppointment, &json!({"staff": "Udo"}));
    let answer = read.order.unwrap_err();
    assert_eq!(answer.code, "staff_ambiguous");
    assert_eq!(answer.field("staff_members"), Some(&json!(["Udo Berger", "Udo Klein"])));
    company.staff[2].branch = Some(BranchId::of_slugs(&[SLUG, "elsewhere"]));
    let (order, _) = booked_in(&company, &json!({"staff": "Udo"}));
    assert_eq!(order.staff, Some(staff_id("udo")), "who works elsewhere is not meant");
}

#[test]
fn what_fits_two_services_equally_well_is_asked_back_with_both() {
    let mut company = friseur_mitte();
    company.services.push(service("damenhaarschnitt", "Damenhaarschnitt", 60, &["mia"]));
    let read = read_in(&company, FunctionName::CheckAvailability, &json!({"service": "Haarschnitt"}));
    let answer = read.order.unwrap_err();
    assert_eq!(answer.code, "service_ambiguous");
    assert_eq!(answer.field("services"), Some(&json!(["Herrenhaarschnitt", "Damenhaarschnitt"])));
}

#[test]
fn national_numbers_are_those_of_the_branch() {
    let phone = |company: &Company, number: &str| {
        let (order, remarks) = booked_in(company, &json!({ "customer_phone": number }));
        (order.phone.map(|phone| phone.as_str().to_owned()), remarks.ignored)
    };
    let read = |number: &str| (Some(number.to_owned()), vec![]);
    let mut company = friseur_mitte();
    assert_eq!(phone(&company, "0151 12345678"), read("+4915112345678"));
    company.branches[0].phone_numbers = vec![PhoneNumber::parse_e164("+4315856240").unwrap()];
    assert_eq!(phone(&company, "0664 1234567"), read("+436641234567"));
    assert_eq!(phone(&company, "0049 151 12345678"), read("+4915112345678"));
    company.branches[0].phone_numbers.clear();
    company.time_zone = "UTC".to_owned();
    assert_eq!(phone(&company, "0151 12345678"), (None, vec![Argument::Phone]));
    assert_eq!(phone(&company, "+49 151 12345678"), read("+4915112345678"));
}

#[test]
fn contacts_that_cannot_be_used_are_named_and_never_guessed() {
    let (order, remarks) =
        booked(&json!({"name": "Anna Schmidt", "phone": "8379 3369", "email": "anna schmidt at web de"}));
    assert_eq!((order.phone, order.email), (None, None));
    assert_eq!(remarks.ignored, [Argument::Phone, Argument::Email]);
    let (order, remarks) =
        booked(&json!({"name": "Anna Schmidt", "email": "anna punkt schmidt at web punkt de"}));
    assert_eq!(order.email.as_deref(), Some("anna.schmidt@web.de"));
    assert_eq!(remarks, Remarks::default());
}

#[test]
fn a_text_that_is_too_long_refuses_the_order_and_is_remarked() {
    let read = read_in(&friseur_mitte(), FunctionName::BookAppointment, &json!({"notes": "x".repeat(501)}));
    assert_eq!(read.remarks.too_long, Some(Argument::Notes));
    let answer = read.order.unwrap_err();
    assert_eq!((answer.code, answer.field("argument")), ("argument_too_long", Some(&json!("notes"))));
}

#[test]
fn a_service_of_another_company_is_not_found_here() {
    for service in ["Zahnreinigung", "Professionelle Zahnreinigung", "PZR", "Kontrolle"] {
        assert_eq!(refused(&json!({ "service": service })).code, "service_not_found", "{service}");
    }
}
