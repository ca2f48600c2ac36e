//! The table of the README and the page of metrics say the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{
    eventually,
    retell::{call, event},
    service::Service,
};

/// What every name of ours begins with.
const PREFIX: &str = "askpro_";

/// Metrics with their labels.
type Names = BTreeMap<String, BTreeSet<String>>;

/// The rows of the table: names in its first column, labels in its second. What stands in one row may have some of
/// its labels only.
fn documented() -> Names {
    let readme = include_str!("../../README.md");
    let section = readme.split("### Metrics\n").nth(1).unwrap().split("\n### ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut names = Names::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').collect();
        let labels: BTreeSet<String> = quoted(cells[2]).into_iter().collect();
        for name in quoted(cells[1]) {
            assert!(names.insert(name.clone(), labels.clone()).is_none(), "{name} stands twice in the table");
        }
    }
    names
}

/// What the page shows, without what it says of the process itself.
fn rendered(page: &str) -> Names {
    let mut names = Names::new();
    for line in page.lines().filter_map(|line| line.strip_prefix(PREFIX)) {
        let (series, _value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let keys = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        let entry = names.entry(of_histogram.unwrap_or(name).to_owned()).or_default();
        entry.extend(keys.filter(|key| key != "le"));
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_the_table_is_on_the_page_from_the_start_and_every_one_of_the_page_in_the_table() {
    let service = Service::start().await;
    let page = String::from_utf8(service.retell.get("/metrics").await.body).unwrap();
    let (documented, rendered) = (documented(), rendered(&page));
    assert!(documented.len() > 40, "the table was not found: {documented:?}");
    assert_eq!(documented.keys().collect::<Vec<_>>(), rendered.keys().collect::<Vec<_>>());
    for (name, labels) in &rendered {
        let unknown: Vec<_> = labels.difference(&documented[name]).collect();
        assert!(unknown.is_empty(), "{name} has labels that the table does not tell: {unknown:?}");
    }
    for line in [
        "askpro_mailbox_refused_total{actor=\"call\",scope=\"mailbox\"} 0",
        "askpro_mailbox_refused_total{actor=\"writer\",scope=\"draining\"} 0",
        "askpro_mailbox_refused_total{actor=\"scheduling\",scope=\"questions\"} 0",
        "askpro_shards_replaced_total 0",
    ] {
        assert!(page.lines().any(|shown| shown == line), "{line}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn syncs_of_the_journal_are_measured() {
    let service = Service::start().await;
    service.retell.event(&event("call_started", &call("call_f1"))).await;
    eventually("a sync was measured", async || {
        let page = String::from_utf8(service.retell.get("/metrics").await.body).unwrap();
        let count = page.lines().find_map(|line| line.strip_prefix("askpro_journal_fsync_seconds_count "));
        count.is_some_and(|count| count != "0").then_some(())
    })
    .await;
    service.stop().await;
}
