//! Names as they are said and misspelled. The lines stand in `services.tsv` and `staff.tsv`.

use proptest::prelude::*;

use super::*;
use crate::{
    function::fixture::{self, staff_id},
    tenant::{Service, Staff},
};

const SERVICES: &str = include_str!("services.tsv");
const STAFF: &str = include_str!("staff.tsv");

/// Companies whose services or people the lines name; `name = minutes` and `name | synonym | synonym`.
fn services(company: &str) -> Vec<Service> {
    let names: &[&str] = match company {
        "friseur" => &["Herrenhaarschnitt=30", "Dauerwelle=135"],
        "salon" => &[
            "Herrenhaarschnitt=30|Fasson",
            "Damenhaarschnitt=60",
            "Kinderhaarschnitt=20",
            "Bartschnitt=15|Bart stutzen",
            "Färben kurz=60",
            "Färben lang=90",
            "Waschen, Schneiden, Föhnen=75|WSF",
            "Dauerwelle=135",
            "Balayage=180",
        ],
        "zahnarzt" => &["Kontrolle=30", "Professionelle Zahnreinigung=60", "Bleaching=45"],
        "praxis" => &["Massage 30=30", "Massage 60=60", "Krankengymnastik=20", "Fußpflege 30=30"],
        "barber" => &["Men's haircut=30", "Beard trim=15", "Haircut and beard=45"],
        "studio" => &["Maniküre=45", "Pediküre=45", "Gesichtsbehandlung=60", "Augenbrauen färben=20"],
        other => panic!("{other}"),
    };
    names.iter().map(|entry| service(entry)).collect()
}

fn service(entry: &str) -> Service {
    let mut names = entry.split('|');
    let (name, minutes) = names.next().unwrap().split_once('=').unwrap();
    let minutes: String = minutes.chars().collect();
    let mut service = fixture::service(&fold(name), name, minutes.parse().unwrap(), &[]);
    service.synonyms = names.map(str::to_owned).collect();
    service
}

fn people(company: &str) -> Vec<Staff> {
    let names: &[&str] = match company {
        "friseur" => &["Udo", "Mia"],
        "praxis" => &["Dr. Hanna Petersen", "Dr. med. Jens Schmidt", "Stefan Meyer", "Katharina Schulz"],
        "two" => &["Mia Berger", "Mia Krüger", "Lea Meister", "Tim Frei"],
        "short" => &["Tim", "Tom", "Lea", "Jo"],
        "given" => &["Jana", "Leon", "Maximilian", "Anna", "Mia"],
        other => panic!("{other}"),
    };
    let member = |name: &&str| {
        let slug = fold(name);
        let id = staff_id(&slug);
        Staff { id, slug, name: (*name).to_owned(), branch: None, calcom_user_id: None }
    };
    names.iter().map(member).collect()
}

/// Lines of three columns: where, what was said, and the names it leads to (`-` for none).
fn wrong_lines(lines: &str, at_least: usize, find: impl Fn(&str, &str) -> String) -> Vec<String> {
    let lines: Vec<&str> = lines.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(lines.len() >= at_least, "{} lines", lines.len());
    let wrong = lines.into_iter().filter_map(|line| {
        let [company, said, wanted] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let found = find(company, said);
        (found != wanted).then(|| format!("{company}: {said}: {found}, not {wanted}"))
    });
    wrong.collect()
}

fn listed<Id: Copy>(found: Found<Id>, name: impl Fn(Id) -> String) -> String {
    match found {
        Found::One(id) => name(id),
        Found::Several(ids) => ids.into_iter().map(name).collect::<Vec<_>>().join(" / "),
        Found::Nobody => "-".to_owned(),
    }
}

#[test]
fn services_are_found_by_whatever_they_are_called() {
    let wrong = wrong_lines(SERVICES, 90, |company, said| {
        let services = services(company);
        let name = |id| services.iter().find(|s| s.id == id).unwrap().name.clone();
        listed(find_service(said, &services), name)
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn staff_are_found_with_titles_and_typing_errors() {
    let wrong = wrong_lines(STAFF, 60, |company, said| {
        let people = people(company);
        let staff: Vec<&Staff> = people.iter().collect();
        if is_anybody(said, &staff) {
            return "anybody".to_owned();
        }
        listed(find_staff(said, &staff), |id| people.iter().find(|s| s.id == id).unwrap().name.clone())
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Short given names that are heard for one another, and all are usual.
const GIVEN: [&str; 40] = [
    "Ada", "Alex", "Anja", "Anna", "Anne", "Ben", "Bea", "Dana", "Eva", "Emma", "Ida", "Ina", "Jan", "Jana",
    "Jens", "Jo", "Kai", "Kim", "Lara", "Lars", "Lea", "Lena", "Leo", "Leon", "Lia", "Lina", "Lisa", "Luis",
    "Mai", "Max", "Mia", "Nina", "Noah", "Pia", "Tim", "Timo", "Tina", "Tom", "Udo", "Uwe",
];

#[test]
fn no_usual_short_name_is_taken_for_another() {
    for own in GIVEN {
        let slug = fold(own);
        let member =
            Staff { id: staff_id(&slug), slug, name: own.to_owned(), branch: None, calcom_user_id: None };
        for said in GIVEN {
            let wanted = if said == own { Found::One(member.id) } else { Found::Nobody };
            assert_eq!(find_staff(said, &[&member]), wanted, "{said} for {own}");
        }
    }
}

proptest! {
    #[test]
    fn any_name_can_be_looked_up(text in any::<String>(), letters in "[a-zäöüß ]{0,60}") {
        let (services, people) = (services("salon"), people("two"));
        let staff: Vec<&Staff> = people.iter().collect();
        for wanted in [&text, &letters] {
            let _ = find_service(wanted, &services);
            let _ = (find_staff(wanted, &staff), is_anybody(wanted, &staff));
        }
    }

    #[test]
    fn what_is_offered_is_found_by_its_own_name(at in 0_usize..9) {
        let services = services("salon");
        prop_assert_eq!(find_service(&services[at].name, &services), Found::One(services[at].id));
    }
}
