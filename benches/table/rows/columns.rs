//! What one call takes in the tables: the stored bytes of all columns of all rows that belong to it.

use std::sync::Arc;

use crate::{
    args::Args,
    load::{Flood, Pairs, Size, Wire, head},
    oracle::{Findings, compare},
    samples::Samples,
    service::{COMPANIES, Service},
    table::{Goal, Row},
};

/// Calls that are looked at.
const CALLS: u64 = 40;

pub async fn measure(args: &Args, findings: &mut Findings) -> Vec<Row> {
    let service = Service::start(&args.server).await;
    let pairs = Arc::new(Pairs::new(Size::Kb75, COMPANIES as usize));
    let mut wire = Wire::new(&service.address);
    for call in 0..CALLS {
        let body = pairs.started(call);
        let mut request = Vec::new();
        head("/webhooks/retell", &crate::load::signature(&body), body.len(), &mut request);
        request.extend_from_slice(&body);
        let status = wire.send(&request).await.map(|answer| answer.status);
        findings.same("answer to call_started", status, Some(204));
    }
    let flow = Flood::start(&service.address, pairs.clone(), 0, CALLS).end().await;
    findings.same("calls that went through", (flow.calls, flow.wrong), (CALLS, 0));
    service.drained(findings).await;
    compare(&service, Some((&pairs, CALLS)), CALLS, findings).await;
    let measured = per_call(&service).await.into_iter().collect::<Samples>();
    let whole = |step: u64| (0..CALLS).map(|call| pairs.body(call, step).len() as u64).sum::<u64>() / CALLS;
    let packed: usize =
        (0..CALLS).map(|call| askpro::compress::compress(&pairs.body(call, 0)).unwrap().len()).sum();
    let note = format!(
        "call_ended {} and call_analyzed {} bytes in the mean; zstd level 1 makes {} of the former; spread over {CALLS} calls",
        whole(0),
        whole(1),
        packed as u64 / CALLS
    );
    let row = Row::new("column bytes per call of 3.5 minutes", "bytes", measured)
        .must(Goal::AtMost(12_000.0))
        .aim(Goal::AtMost(10_000.0))
        .note(note);
    vec![row]
}

/// For each call. Whole numbers count eight bytes, texts and bodies what they have.
async fn per_call(service: &Service) -> Vec<f64> {
    let tables = &service.tables;
    let with_calls =
        "FROM information_schema.columns WHERE table_schema = DATABASE() AND column_name = 'call_id'";
    let mut parts = Vec::new();
    for table in tables.texts("table_name", with_calls).await {
        let of_table = format!(
            "FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '{table}'"
        );
        let columns = tables.rows("column_name, data_type", &of_table).await;
        let sizes: Vec<String> = columns.into_iter().map(|column| size_of(&column)).collect();
        parts.push(format!("SELECT call_id, {} AS bytes FROM {table}", sizes.join(" + ")));
    }
    let parts = parts.join(" UNION ALL ");
    let each = format!("FROM ({parts}) AS parts WHERE call_id IS NOT NULL GROUP BY call_id");
    let sums = tables.texts("SUM(bytes)", &each).await;
    sums.iter().map(|sum| sum.parse().unwrap()).collect()
}

fn size_of(column: &[Option<String>]) -> String {
    let name = column[0].as_deref().unwrap();
    match column[1].as_deref() {
        Some("bigint") => format!("IF({name} IS NULL, 0, 8)"),
        _ => format!("COALESCE(OCTET_LENGTH({name}), 0)"),
    }
}
