//! A whole edge on a real port, with real actors and ports in memory.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Duration,
};

use askpro_actors::{
    outage::Witness,
    ports::{
        clock::{Clock, ManualClock},
        directory::DirectoryView,
    },
    root::{Actors, Ports, Settings},
    runtime::{Heartbeat, Runtime},
    writer::Fence,
};
use askpro_domain::{
    secret::Secret,
    tenant::{Directory, parse_import},
    time::UnixMillis,
};
use serde_json::{Value, json};

use super::{
    client::{Answer, exchange, request},
    fakes::{Companies, FakeJournal, FakeStore, NoCalendar, NoVoice},
};
use crate::{
    config::HttpConfig,
    http::{
        Server, serve,
        webhooks::testing::{Decoder, sign, sign_calcom},
    },
    usecases::{
        DatabasePlace, Door, FunctionPace, InboundMemory, Readiness, ServiceState, Services, StatusSince,
        Traffic,
    },
};

/// Mon 2026-11-23 09:00 in Berlin.
pub(super) const NOW: UnixMillis = UnixMillis(1_795_420_800_000);
pub(super) const PLATFORM_KEY: &str = "key_platform";
pub(super) const COMPANY_KEY: &str = "key_friseur";
pub(super) const CALCOM_SECRET: &str = "whsec_friseur";
pub(super) const TOKEN: &str = "let-me-in";
pub(super) const BODY_BYTES_MAX: usize = 20_000;
pub(super) const BODIES_BYTES_MAX: usize = 50 * BODY_BYTES_MAX;

/// The edge and everything behind it.
pub(super) struct Edge {
    pub(super) address: SocketAddr,
    pub(super) journal: Arc<FakeJournal>,
    pub(super) store: Arc<FakeStore>,
    pub(super) companies: Arc<Companies>,
    pub(super) services: Arc<Services>,
    pub(super) time: Arc<ManualClock>,
    server: Server,
}

pub(in crate::http) fn friseur() -> Directory {
    let file = json!({ "companies": [{
        "slug": "friseur-mitte", "name": "Friseur Mitte", "time_zone": "Europe/Berlin", "language": "de",
        "retell_webhook_keys": [COMPANY_KEY], "calcom_webhook_secret": CALCOM_SECRET,
        "branches": [{ "slug": "mitte", "name": "Mitte", "phone_numbers": ["+493083793369"], "agents": ["agent_a1"] }],
        "staff": [{ "slug": "udo", "name": "Udo" }],
        "services": [{ "slug": "schnitt", "name": "Schnitt", "duration_minutes": 30, "calcom_event_type_id": 2001 }]
    }]});
    Directory::new(parse_import(&file).unwrap().companies)
}

impl Edge {
    pub(super) fn start() -> Self {
        Self::start_with(Some(TOKEN))
    }

    pub(super) fn start_with(token: Option<&str>) -> Self {
        Self::start_as(token, Duration::from_millis(300))
    }

    /// One that waits so long for a body.
    pub(super) fn start_with_patience(body_timeout: Duration) -> Self {
        Self::start_as(Some(TOKEN), body_timeout)
    }

    fn start_as(token: Option<&str>, body_timeout: Duration) -> Self {
        let (journal, store) = (Arc::new(FakeJournal::default()), Arc::new(FakeStore::default()));
        let companies = Arc::new(Companies::default());
        *companies.0.lock().unwrap() = Arc::new(friseur());
        let time = Arc::new(ManualClock::new(NOW));
        let clock: Arc<dyn Clock> = time.clone();
        let works = tokio::runtime::Handle::current();
        let runtime = Runtime::start(1, Heartbeat::default(), None, works).unwrap();
        let ports = Ports {
            clock: clock.clone(),
            directory: companies.clone() as Arc<dyn DirectoryView>,
            journal: journal.clone(),
            batches: store.clone(),
            calls: store.clone(),
            bookings: store.clone(),
            customers: store.clone(),
            callbacks: store.clone(),
            calendar: Arc::new(NoCalendar),
            voice: Arc::new(NoVoice),
            decoder: Arc::new(Decoder),
            calendar_decoder: Arc::new(Decoder),
        };
        let (fence, outage) = (Arc::new(Fence::default()), Arc::default());
        let actors = Actors::start(&runtime, &ports, &Settings::default(), fence, outage);
        let readiness = Readiness::default();
        readiness.set(ServiceState::Ready);
        let services = Arc::new(Services {
            clock: clock.clone(),
            machine_clock: clock,
            directory: ports.directory.clone(),
            journal: ports.journal.clone(),
            journal_id: "journal-test".to_owned(),
            actors,
            runtime,
            calls: ports.calls.clone(),
            bookings: ports.bookings.clone(),
            companies: store.clone(),
            webhook_keys: vec![Secret::new("key_old"), Secret::new(PLATFORM_KEY)],
            function_budget_ms: 2_500,
            body_bytes_max: BODY_BYTES_MAX,
            retry_after_s: 2,
            readiness: readiness.clone(),
            figures: store.clone(),
            database_kind: "sqlite",
            started_at: UnixMillis(NOW.0 - 90_000),
            database_place: DatabasePlace::default(),
            traffic: Traffic::default(),
            inbound: InboundMemory::default(),
            function_pace: FunctionPace::default(),
        });
        let door = Arc::new(Door {
            clock: services.clock.clone(),
            readiness,
            since: StatusSince::default(),
            services: OnceLock::from(services.clone()),
            // As long as the figures of a service are.
            render_metrics: Arc::new(|| {
                format!(
                    "askpro_actor_restarts_total{{actor=\"call\"}} 3\n{}",
                    "# one more figure\n".repeat(5_000)
                )
            }),
            retry_after_s: 2,
            admin_token: token.map(Secret::new),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = serve(door, &config(address, body_timeout), listener).unwrap();
        Self { address, journal, store, companies, services, time, server }
    }

    /// Answers what was asked, and ends.
    pub(super) async fn stop(self) {
        self.server.stop().await;
    }

    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        exchange(self.address, &request(method, path, headers, body)).await
    }

    /// Signed with this key, now.
    pub(super) async fn post(&self, path: &str, key: &str, body: &[u8]) -> Answer {
        let signature = sign(&Secret::new(key), body, NOW.0);
        self.send("POST", path, &[("x-retell-signature", &signature)], body).await
    }

    /// Announced by the friseur's calendar, signed with this secret.
    pub(super) async fn announce(&self, secret: &str, body: &[u8]) -> Answer {
        let signature = sign_calcom(&Secret::new(secret), body);
        self.send("POST", "/webhooks/calcom/friseur-mitte", &[("x-cal-signature-256", &signature)], body)
            .await
    }

    pub(super) async fn admin(&self, method: &str, path: &str) -> Answer {
        self.send(method, path, &[("authorization", &format!("Bearer {TOKEN}"))], b"").await
    }

    pub(super) fn journaled(&self) -> usize {
        self.journal.records.lock().unwrap().len()
    }

    pub(super) fn database_is(&self, up: bool) {
        let outage = &self.services.actors.outage;
        if up {
            outage.works(Witness::Lease, NOW);
        } else {
            outage.failed(Witness::Lease, "away", NOW);
        }
        self.store.down.store(!up, Ordering::SeqCst);
    }
}

fn config(bind: SocketAddr, body_timeout: Duration) -> HttpConfig {
    HttpConfig {
        bind,
        workers: std::num::NonZeroUsize::new(2),
        connections_max: 100,
        body_max_bytes: BODY_BYTES_MAX,
        bodies_max_bytes: BODIES_BYTES_MAX,
        head_timeout: Duration::from_secs(10),
        body_timeout,
        keep_alive: Duration::from_secs(5),
        retry_after_s: 2,
        drain_timeout: Duration::from_secs(1),
    }
}

/// A call's event, as Retell sends it.
pub(super) fn event(name: &str, call_id: &str, to_number: &str) -> Vec<u8> {
    let call = json!({
        "call_id": call_id, "agent_id": "agent_x", "call_type": "phone_call", "direction": "inbound",
        "from_number": "+4915112345678", "to_number": to_number, "start_timestamp": NOW.0,
        "access_token": "a-secret"
    });
    let mut body = json!({ "event": name, "call": call, "event_timestamp": NOW.0 });
    if name == "call_started" {
        body["call"]["call_status"] = Value::from("ongoing");
    }
    serde_json::to_vec(&body).unwrap()
}
