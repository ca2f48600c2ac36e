//! One course's world: a folder, a database, a Cal.com, companies, and the program that serves them.

use std::{sync::Arc, time::Duration};

use askpro::simulators::{
    calcom::{CalcomHandle, CalcomOptions, CalcomSimulator, World as Calendars},
    retell::CompanyLine,
};
use rand::{SeedableRng, rngs::SmallRng};

use crate::{
    companies,
    home::Kind,
    process::Process,
    support::{
        database::Tables,
        days::now_ms,
        program::{self, free_address},
        schema::Schema,
        service::Setup,
    },
    traffic::{Line, Style, Traffic},
};

/// See the module.
pub struct World {
    pub kind: Kind,
    pub setup: Setup,
    pub calcom: CalcomHandle,
    pub lines: Vec<CompanyLine>,
    /// Where the program listens in each of its lives, and where a second one does.
    pub addresses: [String; 2],
    pub line: Arc<Line>,
    /// Decides the moments of trouble.
    pub rng: SmallRng,
    seed: u64,
    /// How the rig reaches the database, past every proxy.
    pub database: String,
    _schema: Option<Schema>,
}

impl World {
    /// On the tests' server of this kind, with so many companies; `None` where there is no such server.
    pub async fn make(kind: Kind, count: u32, seed: u64) -> Option<Self> {
        if kind == Kind::Sqlite {
            return Some(Self::on(kind, None, count, seed).await);
        }
        let Some(server) = kind.server() else {
            println!("{} is not set: not tried on {}", kind.variable(), kind.name());
            return None;
        };
        Some(Self::on(kind, Some(&server), count, seed).await)
    }

    /// In a new schema of this server, or in a file.
    pub async fn on(kind: Kind, server: Option<&str>, count: u32, seed: u64) -> Self {
        let schema = match server {
            Some(server) => Some(Schema::make_in(server).await),
            None => None,
        };
        let mut setup = Setup::new().with("LOG__LEVEL", "info").with("CALLS__IDLE_S", "1");
        if let Some(schema) = &schema {
            setup = setup.with("DATABASE__URL", &schema.url);
        }
        let import = companies::generate(count);
        let calendars = Calendars::from_import_json(&import).unwrap();
        let options =
            CalcomOptions { requests_per_minute: Some(60_000), seed, ..CalcomOptions::new(Arc::new(now_ms)) };
        let calcom = CalcomSimulator::start("127.0.0.1:0", calendars, options).unwrap();
        setup = setup.with("CALCOM__BASE_URL", &calcom.base_url());
        setup.import(&import).await.unwrap();
        let addresses = [free_address(), free_address()];
        let bases = addresses.clone().map(|address| format!("http://{address}"));
        calcom.send_webhooks_to(&format!("{}/webhooks/calcom", bases[0]));
        Self {
            kind,
            database: setup.database_url().to_owned(),
            setup,
            calcom,
            lines: CompanyLine::from_import_json(&import),
            line: Line::new(&[&bases[0]]),
            addresses,
            rng: SmallRng::seed_from_u64(seed),
            seed,
            _schema: schema,
        }
    }

    /// Changes a setting for the next life.
    pub fn set(&mut self, key: &str, value: &str) {
        self.setup.env.insert(format!("ASKPRO__{key}"), value.to_owned());
    }

    /// Callers reach both addresses from now on: whichever takes their requests.
    pub fn serve_both(&mut self) {
        let [first, second] = self.addresses.clone().map(|address| format!("http://{address}"));
        self.line = Line::new(&[&first, &second]);
    }

    /// The program; it may not be ready yet.
    pub fn spawn(&self) -> Process {
        self.spawn_at(0, &[])
    }

    /// The program at one of the two addresses, with further variables.
    pub fn spawn_at(&self, place: usize, env: &[(&str, &str)]) -> Process {
        let mut command = program::command(&self.setup);
        command.arg("serve").envs(env.iter().copied());
        Process::spawn(command, &self.addresses[place], self.setup.folder.path())
    }

    /// The program, ready.
    pub async fn start(&self) -> Process {
        let mut process = self.spawn();
        process.until_ready().await;
        process
    }

    pub fn traffic(&self, style: &Style) -> Traffic {
        Traffic::start(&self.line, &self.lines, style, self.seed)
    }

    /// The database, past the service.
    pub async fn tables(&self) -> Tables {
        Tables::open(&self.database).await
    }

    /// Waits until so many more events were acknowledged.
    pub async fn until_acknowledged(&self, more: u64) {
        let wanted = self.line.ledger.figures().acknowledged + more;
        crate::support::within(Duration::from_secs(60), "events are acknowledged", async || {
            (self.line.ledger.figures().acknowledged >= wanted).then_some(())
        })
        .await;
    }

    /// Waits until so many more calls have begun: the load is there.
    pub async fn until_calls(&self, more: usize) {
        let wanted = self.line.ledger.calls_begun() + more;
        crate::support::within(Duration::from_secs(60), "the load is there", async || {
            (self.line.ledger.calls_begun() >= wanted).then_some(())
        })
        .await;
    }
}

/// Lets this much time pass.
pub async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}
