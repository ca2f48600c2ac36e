//! One event, stage by stage: pieces of the way from its bytes to its row, each alone.

use std::sync::Arc;

use askpro::{
    compress::compress,
    journal::{Journal, JournalOptions, SEGMENT_BYTES, port::JournalPort},
    providers::retell::inbound::{Decoded, blank_secrets, decode, verify},
};
use askpro_actors::ports::journal::{Journal as _, Record, Signer};
use askpro_domain::{
    call::{CallEvent, CallState},
    secret::Secret,
    time::UnixMillis,
};
use bytes::Bytes;
use tokio::runtime::Runtime;

use crate::{
    load::{Pairs, Size, signature},
    support::{days::now_ms, service::WEBHOOK_KEY},
};

/// The bodies that are tried.
pub const SIZES: [Size; 3] = [Size::Kb6, Size::Kb24, Size::Kb75];
/// Records of one group: as many as callers of the table.
const GROUP: usize = 128;
const JOURNAL_BYTES_MAX: u64 = 16 * 1_024 * 1_024 * 1_024;

/// A piece of work that can be done again and again.
pub struct Stage {
    pub name: String,
    /// Events that one run of it is about.
    pub events: usize,
    pub run: Box<dyn FnMut()>,
}

impl Stage {
    fn new<T>(size: Size, name: &str, mut work: impl FnMut() -> T + 'static) -> Self {
        let run = move || _ = std::hint::black_box(work());
        Self { name: format!("{} kB/{name}", size.bytes() / 1_000), events: 1, run: Box::new(run) }
    }
}

/// All of them, in the order of the path. A `call_analyzed` whose `call_ended` came before.
pub fn stages(size: Size, runtime: &Runtime) -> Vec<Stage> {
    let pairs = Pairs::new(size, 60);
    let (ended, body) = (pairs.body(1, 0), Bytes::from(pairs.body(1, 1)));
    let (key, signed, now) = (Secret::new(WEBHOOK_KEY), signature(&body), UnixMillis(now_ms()));
    let packed = compress(&body).unwrap();
    let (earlier, event) = (CallState::new(call(&ended).call_id).apply(&call(&ended)), call(&body));
    let known = earlier.clone().apply(&event);
    let mut stages = Vec::new();
    let (to_verify, to_read, to_blank, to_pack) = (body.clone(), body.clone(), body.clone(), body);
    stages.push(Stage::new(size, "1 signature", move || {
        verify(Some(signed.as_bytes()), &to_verify, &[&key], now).unwrap()
    }));
    stages.push(Stage::new(size, "2 reading of the JSON", move || decode(&to_read).unwrap()));
    stages.push(Stage::new(size, "3 blanking of secrets", move || blank_secrets(&to_blank).len()));
    stages.push(Stage::new(size, "4 compression", move || compress(&to_pack).unwrap()));
    stages.push(journal(size, runtime, packed));
    stages.push(Stage::new(size, "6 turn (state and event joined)", move || earlier.clone().apply(&event)));
    stages.push(Stage::new(size, "7 row of the call encoded", move || serde_json::to_vec(&known).unwrap()));
    stages
}

/// Encoded, written and synced, as many together as callers send at a time; the share of one is a [`GROUP`]th.
fn journal(size: Size, runtime: &Runtime, body: Bytes) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_owned();
    let options = JournalOptions { dir, max_bytes: JOURNAL_BYTES_MAX, segment_bytes: SEGMENT_BYTES };
    let (journal, _) = Journal::open(options, || "bench".to_owned()).unwrap();
    let (port, handle) = (Arc::new(JournalPort(journal)), runtime.handle().clone());
    let run = move || {
        let _stays = &folder;
        handle.block_on(async {
            let record = || Record::RetellEvent {
                signer: Signer::Platform,
                received_at: UnixMillis(now_ms()),
                body: body.clone(),
            };
            let appended: Vec<_> = (0..GROUP).map(|_| port.append_ordered(record()).unwrap()).collect();
            let mut positions = Vec::with_capacity(GROUP);
            for (position, durable) in appended {
                durable.await.unwrap();
                positions.push(position);
            }
            port.committed(&positions);
        });
    };
    let name = format!("{} kB/5 journal, {GROUP} records and one sync", size.bytes() / 1_000);
    Stage { name, events: GROUP, run: Box::new(run) }
}

fn call(body: &[u8]) -> CallEvent {
    match decode(body).unwrap().decoded {
        Decoded::Call(event) => *event,
        _ => panic!("no event of a call"),
    }
}
