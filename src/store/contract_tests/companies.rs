//! Imports.

use askpro_actors::ports::stores::{CompanyStore, StoreError};
use askpro_domain::{
    ids::CompanyId,
    tenant::{Company, Customer},
};

use super::{Scene, build::*, on_every_database};

async fn save(scene: &Scene, companies: &[Company]) -> Result<u64, StoreError> {
    scene.database.save_companies(companies, &[]).await
}

async fn an_import_that_is_run_twice_changes_nothing(scene: Scene) {
    let companies =
        [company("a", &["+493083793369", "+493083793370"], &["agent_a"]), company("b", &[], &["agent_b"])];
    let customers: Vec<(CompanyId, Customer)> = (0..600)
        .map(|n| (companies[0].id, customer(&format!("Kunde 🎈 {n}"), &format!("+4915112345{n:03}"))))
        .collect();
    assert_eq!(scene.database.companies_version().await.unwrap(), 0);
    let changed = scene.database.save_companies(&companies, &customers).await.unwrap();
    assert_eq!(changed, 2 + 2 + 2 + 600);
    assert_eq!(scene.database.companies_version().await.unwrap(), 1);
    assert_eq!(scene.database.save_companies(&companies, &customers).await.unwrap(), 0);
    assert_eq!(scene.database.companies_version().await.unwrap(), 1);
    let mut expected = companies.to_vec();
    expected.sort_by_key(|c| c.id);
    assert_eq!(scene.database.list_companies().await.unwrap(), expected);
    let mut renamed = customers[7].clone();
    renamed.1.email = Some("anna@example.com".to_owned());
    assert_eq!(scene.database.save_companies(&[], std::slice::from_ref(&renamed)).await.unwrap(), 1);
    let with_email: Vec<(i64, i64)> =
        scene.rows("SELECT company_id, id FROM customers WHERE email = 'anna@example.com'").await;
    assert_eq!(with_email, [(companies[0].id.0, renamed.1.id.0)]);
    assert_eq!(scene.database.companies_version().await.unwrap(), 2);
}

async fn a_number_or_an_agent_of_another_company_refuses_the_whole_import(scene: Scene) {
    save(&scene, &[company("a", &["+493083793369"], &["agent_a"])]).await.unwrap();
    let imports = [
        (vec![company("c", &[], &[]), company("b", &["+493083793369"], &[])], "+493083793369"),
        (vec![company("b", &[], &["agent_a"])], "agent_a"),
        (vec![company("b", &["+493000000001"], &[]), company("c", &["+493000000001"], &[])], "+493000000001"),
    ];
    for (companies, named) in imports {
        let StoreError::Refused(text) = save(&scene, &companies).await.unwrap_err() else {
            panic!("{named}")
        };
        assert!(text.contains(named), "{text}");
    }
    assert_eq!(scene.count("companies").await, 1);
    assert_eq!(scene.database.companies_version().await.unwrap(), 1);
}

async fn what_is_absent_stays_and_what_moves_gets_its_new_owner(scene: Scene) {
    let (number, other) = ("+493083793369", "+493083793370");
    save(&scene, &[company("a", &[number, other], &["x"]), company("b", &[], &[])]).await.unwrap();
    assert_eq!(save(&scene, &[company("c", &[], &["z"])]).await.unwrap(), 2);
    assert_eq!(scene.count("companies").await, 3);
    let moved = [company("a", &[other], &[]), company("b", &[number], &["x"])];
    save(&scene, &moved).await.unwrap();
    let owners: Vec<(String, i64)> =
        scene.rows("SELECT phone, company_id FROM company_numbers ORDER BY phone").await;
    assert_eq!(owners, [(number.to_owned(), moved[1].id.0), (other.to_owned(), moved[0].id.0)]);
    let agents: Vec<(String, i64)> =
        scene.rows("SELECT agent_id, company_id FROM company_agents ORDER BY agent_id").await;
    assert_eq!(agents[0], ("x".to_owned(), moved[1].id.0));
    save(&scene, &[company("a", &[], &[])]).await.unwrap();
    assert_eq!(scene.count("company_numbers").await, 1);
    assert_eq!(save(&scene, &[company("c", &[other], &["z"])]).await.unwrap(), 2);
}

async fn a_damaged_row_keeps_no_other_from_being_read_and_an_import_mends_it(scene: Scene) {
    let [a, b] = [company("a", &["+493083793369"], &[]), company("b", &[], &[])];
    save(&scene, &[a.clone(), b.clone()]).await.unwrap();
    scene.execute("UPDATE companies SET settings = X'7B' WHERE slug = 'a'").await;
    let companies = scene.database.read_companies().await.unwrap();
    assert_eq!((companies.whole, companies.damaged), (vec![b.clone()], vec![a.id]));
    assert_eq!(scene.database.list_companies().await.unwrap(), std::slice::from_ref(&b));
    let refused = save(&scene, &[company("c", &["+493083793369"], &[])]).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused(_)), "its number stays its own: {refused}");
    assert_eq!(save(&scene, std::slice::from_ref(&a)).await.unwrap(), 1);
    assert_eq!(scene.database.list_companies().await.unwrap().len(), 2);
}

async fn imports_at_one_time_run_one_after_the_other(scene: Scene) {
    let tasks = (0..6).map(|n| {
        let scene = scene.clone();
        tokio::spawn(async move { save(&scene, &[company(&format!("c{n}"), &["+493083793369"], &[])]).await })
    });
    let mut saved = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(_) => saved += 1,
            Err(refused) => assert!(matches!(refused, StoreError::Refused(_)), "{refused:?}"),
        }
    }
    assert_eq!((saved, scene.count("companies").await), (1, 1));
}

on_every_database!(
    an_import_that_is_run_twice_changes_nothing,
    a_number_or_an_agent_of_another_company_refuses_the_whole_import,
    what_is_absent_stays_and_what_moves_gets_its_new_owner,
    a_damaged_row_keeps_no_other_from_being_read_and_an_import_mends_it,
    imports_at_one_time_run_one_after_the_other,
);
