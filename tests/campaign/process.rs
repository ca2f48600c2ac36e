//! The real program at an address that stays the same over its lives.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::Value;

use crate::support::{
    service::{ADMIN_TOKEN, http},
    within,
};

/// `/metrics` answers within this time.
const PAGE_WITHIN: Duration = Duration::from_secs(20);

/// A running `askpro serve`. Dropping it kills it.
pub struct Process {
    child: Child,
    pub base: String,
    pub log: PathBuf,
    http: Client,
    started: Instant,
}

/// How the service sees itself.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub status: String,
    pub outstanding: u64,
}

impl Process {
    /// Starts `command` with this address; it may not be ready yet.
    pub fn spawn(mut command: Command, address: &str, folder: &Path) -> Self {
        let log = folder.join(format!("log-{:08x}", rand::random::<u32>()));
        let child = command
            .env("ASKPRO__HTTP__BIND", address)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, base: format!("http://{address}"), log, http: http(), started: Instant::now() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The last lines of its log, to go with a complaint.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(8)..].join("\n")
    }

    /// `None` while nobody answers.
    pub async fn seen(&self) -> Option<Seen> {
        let request = self.http.get(format!("{}/readyz", self.base)).timeout(Duration::from_secs(2));
        let view: Value = request.send().await.ok()?.json().await.ok()?;
        Some(Seen {
            status: view["status"].as_str()?.to_owned(),
            outstanding: view["journal"]["outstanding"].as_u64().unwrap_or_default(),
        })
    }

    /// Whether everything in its journal is in the database.
    pub async fn is_applied(&self) -> bool {
        self.seen().await.is_some_and(|seen| seen.outstanding == 0)
    }

    /// Waits until `/readyz` says one of these, and gives how long that took since it was started.
    pub async fn until(&mut self, wanted: &[&str], limit: Duration) -> Duration {
        let since = Instant::now();
        loop {
            if self.seen().await.is_some_and(|seen| wanted.contains(&seen.status.as_str())) {
                return self.started.elapsed();
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended with {status}: {}", self.last_words());
            }
            assert!(since.elapsed() < limit, "not {wanted:?} within {limit:?}: {}", self.last_words());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub async fn until_ready(&mut self) -> Duration {
        self.until(&["ready", "degraded"], Duration::from_secs(60)).await
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// kill -9, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ended by itself.
    pub async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(since.elapsed() < limit, "it did not end within {limit:?}: {}", self.last_words());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// One figure of `/metrics`: the sum of all series of this name.
    pub async fn metric(&self, name: &str) -> f64 {
        self.series(name).await.into_iter().map(|(_, figure)| figure).sum()
    }

    /// One figure of `/metrics` by the values of one label.
    pub async fn metric_by(&self, name: &str, label: &str) -> BTreeMap<String, f64> {
        let mut figures = BTreeMap::new();
        for (labels, figure) in self.series(name).await {
            let value =
                labels.split_once(&format!("{label}=\"")).and_then(|(_, rest)| rest.split('"').next());
            *figures.entry(value.unwrap_or_default().to_owned()).or_default() += figure;
        }
        figures
    }

    /// What `/metrics` shows, asked again and again on a machine that is busy with something else.
    async fn page(&self) -> String {
        let page = async || {
            let request = self.http.get(format!("{}/metrics", self.base)).timeout(Duration::from_secs(5));
            request.send().await.ok()?.text().await.ok()
        };
        within(PAGE_WITHIN, "/metrics answers", page).await
    }

    /// All series of this name, each with its labels.
    async fn series(&self, name: &str) -> Vec<(String, f64)> {
        let page = self.page().await;
        let of_name = |line: &str| {
            let rest = line.strip_prefix(name).filter(|rest| rest.starts_with([' ', '{']))?;
            let (labels, figure) = rest.rsplit_once(' ')?;
            Some((labels.to_owned(), figure.parse().ok()?))
        };
        page.lines().filter_map(of_name).collect()
    }

    /// A page of `/admin`.
    pub async fn admin(&self, path: &str) -> Option<Value> {
        let request = self.http.get(format!("{}{path}", self.base)).bearer_auth(ADMIN_TOKEN);
        request.timeout(Duration::from_secs(10)).send().await.ok()?.json().await.ok()
    }

    /// An order to `/admin`.
    pub async fn admin_post(&self, path: &str) -> Option<u16> {
        let request = self.http.post(format!("{}{path}", self.base)).bearer_auth(ADMIN_TOKEN);
        Some(request.timeout(Duration::from_secs(10)).send().await.ok()?.status().as_u16())
    }

    /// Bytes that it has in memory now.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|rest| rest.trim().split(' ').next()?.parse::<u64>().ok());
        kib.unwrap_or_default() * 1_024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A frozen process dies too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
