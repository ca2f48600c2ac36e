//! What the customers in memory are filled with.

use askpro_actors::ports::{
    rows::{AppointmentRow, CustomerRow, Write},
    stores::{BatchStore, CompanyStore, CustomerPlace, CustomerStore, StoredBooking, StoredCustomer},
};
use askpro_domain::{
    booking::{Booking, BookingState},
    ids::{CompanyId, StaffId},
    tenant::Customer,
    time::{Interval, UnixMillis},
};

use super::{Scene, build::*, on_every_database};

async fn import(scene: &Scene, customers: &[(CompanyId, Customer)]) -> i64 {
    scene.database.save_companies(&[], customers).await.unwrap();
    scene.database.companies_version().await.unwrap()
}

/// All pages of two rows after a place.
async fn read_on(scene: &Scene, mut after: Option<CustomerPlace>) -> Vec<StoredCustomer> {
    let mut all: Vec<StoredCustomer> = Vec::new();
    loop {
        let page = scene.database.list_customers(after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { return all };
        after = Some(last.place);
        all.extend(page);
    }
}

fn names(customers: &[StoredCustomer]) -> Vec<&str> {
    customers.iter().map(|customer| customer.name.as_str()).collect()
}

async fn customers_are_paged_and_what_an_import_changed_comes_after_all_others(scene: Scene) {
    let people: Vec<(CompanyId, Customer)> = (0..7)
        .map(|n| {
            (if n < 4 { ONE } else { TWO }, customer(&format!("Kunde {n}"), &format!("+491511234567{n}")))
        })
        .collect();
    let mut unreachable = customer("Ohne Nummer", "+4915112345699");
    unreachable.phone = None;
    unreachable.email = Some("a@example.org".to_owned());
    let first = import(&scene, &[people.clone(), vec![(ONE, unreachable)]].concat()).await;
    let all = read_on(&scene, None).await;
    assert_eq!(all.len(), 7, "who has no number cannot be found by it");
    assert!(all.is_sorted_by_key(|customer| customer.place));
    assert!(all.iter().all(|customer| customer.place.import_version == first && customer.phone.is_some()));
    assert_eq!(read_on(&scene, Some(CustomerPlace::after_import(first))).await, []);

    let mut renamed = people[2].clone();
    renamed.1.name = "Anna 🎈".to_owned();
    let second =
        import(&scene, &[people[0].clone(), renamed, (TWO, customer("Neu", "+4915112345680"))]).await;
    let changed = read_on(&scene, Some(CustomerPlace::after_import(first))).await;
    assert_eq!(names(&changed), ["Anna 🎈", "Neu"], "and no others");
    assert!(changed.iter().all(|customer| customer.place.import_version == second));
    let all = read_on(&scene, None).await;
    assert_eq!((all.len(), names(&all[6..])), (8, vec!["Anna 🎈", "Neu"]));
}

async fn a_booking_makes_a_customer_and_changes_none(scene: Scene) {
    let epoch = scene.own().await;
    let version = import(&scene, &[(ONE, customer("Anna Schmidt", "+4915112345678"))]).await;
    let known = customer_row(ONE, "Anna S.", "+4915112345678");
    let new = customer_row(ONE, "Bernd", "+4915187654321");
    let elsewhere = customer_row(TWO, "Carla", "+4915112345678");
    for row in [&known, &new, &elsewhere, &new] {
        scene.database.commit(epoch, &[Write::Customer(row.clone())]).await.unwrap();
    }
    let all = read_on(&scene, None).await;
    let mut found: Vec<(i64, &str, i64)> = all
        .iter()
        .map(|customer| (customer.place.company.0, customer.name.as_str(), customer.place.import_version))
        .collect();
    found.sort_unstable();
    assert_eq!(found, [(1, "Anna Schmidt", version), (1, "Bernd", 0), (2, "Carla", 0)]);
    assert!(all.is_sorted_by_key(|customer| customer.place));
    let twice = [Write::Customer(new.clone()), Write::Customer(customer_row(ONE, "Berta", "+4915187654321"))];
    scene.database.commit(epoch, &twice).await.unwrap();
    assert_eq!(scene.count("customers").await, 3);
    let imported = import(&scene, &[(ONE, customer("Bernd Sommer", "+4915187654321"))]).await;
    let changed = read_on(&scene, Some(CustomerPlace::after_import(version))).await;
    assert_eq!(
        (names(&changed), imported),
        (vec!["Bernd Sommer"], version + 1),
        "an import may rename anybody"
    );
}

async fn what_lies_ahead_is_paged_by_its_end(scene: Scene) {
    let epoch = scene.own().await;
    let ending = |company: CompanyId, key: &str, end: i64| {
        let mut booking = booking(company, "call_a", key);
        booking.order.interval = Interval::new(UnixMillis(end - 1_000), UnixMillis(end)).unwrap();
        booking
    };
    let refused = ending(ONE, "refused", 90_000);
    let refused = Booking { state: BookingState::Abandoned, ..refused };
    let mut bookings = vec![ending(ONE, "past", 50_000), refused];
    for n in 0..5 {
        bookings.push(ending(ONE, &format!("open {n}"), 80_000 + n % 2));
        bookings.push(confirmed(ending(TWO, &format!("standing {n}"), 80_000 + n)));
    }
    let writes: Vec<Write> = bookings
        .iter()
        .map(|b| {
            let staff_id = (b.order.company == TWO).then_some(77);
            Write::Appointment(Box::new(AppointmentRow { staff_id, ..appointment(b) }))
        })
        .collect();
    scene.database.commit(epoch, &writes).await.unwrap();
    let (mut all, mut after): (Vec<StoredBooking>, _) = (Vec::new(), None);
    loop {
        let page = scene.database.list_upcoming(UnixMillis(50_000), after.as_ref(), 3).await.unwrap();
        all.extend(page.rows);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let place = |s: &StoredBooking| (s.booking.order.interval.end(), s.booking.order.appointment.clone());
    assert_eq!(all.len(), 10, "neither what is past nor what was given up");
    assert!(all.is_sorted_by(|a, b| place(a) < place(b)), "in order and none twice");
    for stored in &all {
        assert_eq!(stored.staff, (stored.booking.order.company == TWO).then_some(StaffId(77)));
        assert!(bookings.contains(&stored.booking));
    }
}

fn customer_row(company: CompanyId, name: &str, phone: &str) -> CustomerRow {
    let Customer { id, name, phone, email } = customer(name, phone);
    CustomerRow { company, id, name, phone: phone.unwrap(), email }
}

on_every_database!(
    customers_are_paged_and_what_an_import_changed_comes_after_all_others,
    a_booking_makes_a_customer_and_changes_none,
    what_lies_ahead_is_paged_by_its_end,
);
