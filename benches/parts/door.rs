//! Over HTTP, one at a time, from a service in this process on SQLite: an answer to an agent, a page for an admin.

use criterion::Criterion;
use tokio::runtime::Runtime;

use crate::{
    load::{Wire, head, signature},
    support::{
        retell,
        service::{ADMIN_TOKEN, Service},
    },
};

/// Live calls that the page is taken from.
const LIVE: u64 = 1_000;

pub fn measure(criterion: &mut Criterion, runtime: &Runtime) {
    let service = runtime.block_on(Service::start());
    runtime.block_on(async {
        for number in 0..LIVE {
            let call = retell::call(&format!("call_{number:05}"));
            service.retell.event(&retell::event("call_started", &call)).await;
        }
        service.live_calls(LIVE).await;
    });
    let address = service.running.base_url().replace("http://", "");
    let mut wire = Wire::new(&address);
    let call = retell::call("call_00001");
    let body = serde_json::json!({ "name": "list_services", "call": call, "args": {} }).to_string();
    let mut request = Vec::new();
    criterion.bench_function("answer to list_services over HTTP", |bench| {
        bench.iter(|| {
            head("/functions/retell/list_services", &signature(body.as_bytes()), body.len(), &mut request);
            request.extend_from_slice(body.as_bytes());
            let answer = runtime.block_on(wire.send(&request)).unwrap();
            assert_eq!(answer.status, 200);
        });
    });
    let page = format!(
        "GET /admin/calls?limit=100 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
    );
    criterion.bench_function("GET /admin/calls?limit=100 of 1,000", |bench| {
        bench.iter(|| assert_eq!(runtime.block_on(wire.send(page.as_bytes())).unwrap().status, 200));
    });
    runtime.block_on(service.stop());
}
