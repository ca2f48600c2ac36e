//! Who owns the database, and that nobody else writes.

use askpro_actors::ports::{
    journal::Position,
    rows::Write,
    stores::{BatchStore, LeaseAnswer, LeaseStore, StoreError},
};
use askpro_domain::time::UnixMillis;

use super::{Scene, build::*, on_every_database};

const TTL_MS: i64 = 1_000;

async fn take(scene: &Scene, owner: &str, now: i64) -> LeaseAnswer {
    scene.database.acquire(owner, UnixMillis(now), TTL_MS).await.unwrap()
}

async fn a_lease_is_taken_over_when_it_ends_or_is_given_back(scene: Scene) {
    assert_eq!(scene.database.lease_owner().await.unwrap(), None);
    assert_eq!(take(&scene, "a", 100).await, LeaseAnswer::Acquired { epoch: 1 });
    assert_eq!(scene.database.lease_owner().await.unwrap().as_deref(), Some("a"));
    let taken = LeaseAnswer::Taken { owner: "a".to_owned(), until: UnixMillis(1_100) };
    assert_eq!(take(&scene, "b", 1_099).await, taken);
    assert!(scene.database.renew("a", 1, UnixMillis(1_000), TTL_MS).await.unwrap());
    assert!(matches!(take(&scene, "b", 1_999).await, LeaseAnswer::Taken { .. }));
    assert_eq!(take(&scene, "b", 2_000).await, LeaseAnswer::Acquired { epoch: 2 });
    assert!(!scene.database.renew("a", 1, UnixMillis(2_001), TTL_MS).await.unwrap());
    scene.database.release("a", 1).await.unwrap();
    assert!(matches!(take(&scene, "a", 2_002).await, LeaseAnswer::Taken { .. }));
    scene.database.release("b", 2).await.unwrap();
    assert_eq!(scene.database.lease_owner().await.unwrap(), None);
    assert_eq!(take(&scene, "a", 2_003).await, LeaseAnswer::Acquired { epoch: 3 });
}

async fn the_same_owner_gets_a_higher_epoch_at_once(scene: Scene) {
    assert_eq!(take(&scene, "a", 100).await, LeaseAnswer::Acquired { epoch: 1 });
    assert_eq!(take(&scene, "a", 101).await, LeaseAnswer::Acquired { epoch: 2 });
    assert!(!scene.database.renew("a", 1, UnixMillis(102), TTL_MS).await.unwrap());
}

async fn only_one_of_many_gets_a_free_lease(scene: Scene) {
    let tasks = (0..8).map(|n| {
        let scene = scene.clone();
        tokio::spawn(async move { take(&scene, &format!("owner_{n}"), 100).await })
    });
    let mut acquired = 0;
    for task in tasks.collect::<Vec<_>>() {
        acquired += usize::from(matches!(task.await.unwrap(), LeaseAnswer::Acquired { .. }));
    }
    assert_eq!(acquired, 1);
}

async fn a_superseded_owner_writes_nothing(scene: Scene) {
    let old = scene.own().await;
    let new = scene.own().await;
    let write = [Write::Event(event(ONE, "call_a", "call_started", 1, "x"))];
    for epoch in [old, 0, new + 1] {
        let refused = scene.database.commit(epoch, &write).await.unwrap_err();
        let expected = (epoch, new);
        assert!(matches!(refused, StoreError::Fenced { ours, current } if (ours, current) == expected));
        let refused = scene.database.save_mark(epoch, "j", Position(9)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Fenced { .. }));
    }
    assert_eq!(scene.count("call_events").await, 0);
    assert_eq!(scene.database.load_mark("j").await.unwrap(), None);
    scene.database.commit(new, &write).await.unwrap();
    assert_eq!(scene.count("call_events").await, 1);
}

async fn a_mark_never_goes_back(scene: Scene) {
    let epoch = scene.own().await;
    let mut marks = Vec::new();
    for mark in [10, 7, 12] {
        scene.database.save_mark(epoch, "journal_1", Position(mark)).await.unwrap();
        marks.push(scene.database.load_mark("journal_1").await.unwrap());
    }
    assert_eq!(marks, [Some(Position(10)), Some(Position(10)), Some(Position(12))]);
    assert_eq!(scene.database.load_mark("journal_2").await.unwrap(), None);
    let beyond = scene.database.save_mark(epoch, "journal_1", Position(u64::MAX)).await;
    assert!(matches!(beyond, Err(StoreError::Refused(_))));
}

on_every_database!(
    a_lease_is_taken_over_when_it_ends_or_is_given_back,
    the_same_owner_gets_a_higher_epoch_at_once,
    only_one_of_many_gets_a_free_lease,
    a_superseded_owner_writes_nothing,
    a_mark_never_goes_back,
);
