//! The program under test: a release build of `askpro serve` on a schema and a journal of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use askpro::simulators::calcom::{CalcomHandle, CalcomOptions, CalcomSimulator, World};

use crate::{
    companies,
    oracle::Findings,
    process::Process,
    support::{
        database::Tables,
        days::now_ms,
        program::{self, free_address},
        schema::Schema,
        service::{Setup, WEBHOOK_KEY, http},
    },
};

/// Companies that share the calls.
pub const COMPANIES: u32 = 60;
/// Nothing was committed for so long: nothing ever will be.
const STANDS_STILL: Duration = Duration::from_secs(60);

/// See the module. Dropping it kills the program and removes its data.
pub struct Service {
    pub process: Process,
    pub address: String,
    pub calcom: CalcomHandle,
    pub tables: Tables,
    /// How the database is reached.
    pub url: String,
    setup: Setup,
    _schema: Schema,
}

impl Service {
    /// Ready, with [`COMPANIES`] companies and a simulated Cal.com that answers at once.
    pub async fn start(server: &str) -> Self {
        let schema = Schema::make_in(server).await;
        let import = companies::generate(COMPANIES);
        let options = CalcomOptions {
            requests_per_minute: Some(60_000),
            race_delay_ms: 0..=0,
            ..CalcomOptions::new(Arc::new(now_ms))
        };
        let world = World::from_import_json(&import).unwrap();
        let calcom = CalcomSimulator::start("127.0.0.1:0", world, options).unwrap();
        let setup = Setup::new()
            .with("DATABASE__URL", &schema.url)
            .with("CALCOM__BASE_URL", &calcom.base_url())
            .with("RETELL__WEBHOOK_KEYS", WEBHOOK_KEY)
            .with("HTTP__WORKERS", "0")
            .with("CALLS__TRANSCRIPT_FLUSH_MS", "5000");
        setup.import(&import).await.unwrap();
        let address = free_address();
        let process = spawn(&setup, &address);
        let (tables, url) = (Tables::open(&schema.url).await, schema.url.clone());
        let mut service = Self { process, address, calcom, tables, url, setup, _schema: schema };
        service.process.until_ready().await;
        service
    }

    /// kill -9 and a new process on the same data; how long until that is ready.
    pub async fn kill_and_restart(&mut self) -> Duration {
        self.process.kill();
        self.process = spawn(&self.setup, &self.address);
        self.process.until_ready().await
    }

    /// Waits until everything that was acknowledged is in the tables. What is not by then never will be.
    pub async fn drained(&self, findings: &mut Findings) {
        let (mut last, mut since) = (u64::MAX, Instant::now());
        loop {
            let outstanding = self.process.seen().await.map_or(u64::MAX, |seen| seen.outstanding);
            if outstanding == 0 {
                return;
            }
            if outstanding != last {
                (last, since) = (outstanding, Instant::now());
            }
            if since.elapsed() > STANDS_STILL {
                return findings
                    .add(format!("{outstanding} events stay uncommitted: {}", self.process.last_words()));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The sum of the series of a metric that have this label.
    pub async fn series(&self, name: &str, label: &str) -> f64 {
        let request = http().get(format!("{}/metrics", self.process.base)).send().await.unwrap();
        let text = request.text().await.unwrap();
        let of_name = |line: &&str| line.starts_with(&format!("{name}{{")) && line.contains(label);
        let figures =
            text.lines().filter(of_name).filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        figures.sum()
    }

    /// Calls that are live.
    pub async fn live(&self) -> u64 {
        self.process.metric("askpro_calls_live").await as u64
    }
}

fn spawn(setup: &Setup, address: &str) -> Process {
    let mut command = program::command(setup);
    command.arg("serve");
    Process::spawn(command, address, setup.folder.path())
}
