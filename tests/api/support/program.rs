//! The real program in a process of its own, for tests in which it dies.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use super::{
    PATIENCE, eventually,
    retell::Retell,
    service::{Setup, WEBHOOK_KEY},
    within,
};

/// A running `askpro serve`. Dropping it kills it.
pub struct Program {
    child: Child,
    log: PathBuf,
    pub retell: Retell,
}

/// An address that is free: below the ports that the system gives to whoever asks for any, for it would give this one away
/// before it is used.
pub fn free_address() -> String {
    loop {
        let address = format!("127.0.0.1:{}", rand::random_range(10_000..20_000_u16));
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

impl Program {
    /// Starts `askpro serve` on an address of its own; it may not be ready yet.
    pub fn spawn(setup: &Setup) -> Self {
        let address = free_address();
        let log = setup.folder.path().join(format!("log-{:08x}", rand::random::<u32>()));
        let child = command(setup)
            .arg("serve")
            .env("ASKPRO__HTTP__BIND", &address)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, log, retell: Retell::new(&format!("http://{address}"), WEBHOOK_KEY) }
    }

    /// Starts it and waits until it is ready.
    pub async fn start(setup: &Setup) -> Self {
        let mut program = Self::spawn(setup);
        program.wait_until("ready").await;
        program
    }

    /// What `/readyz` shows, or nothing while nobody listens.
    async fn view(&self) -> Option<serde_json::Value> {
        let response = self.retell.http.get(format!("{}/readyz", self.retell.base)).send().await.ok()?;
        response.json().await.ok()
    }

    /// The word in `/readyz`, or nothing while nobody listens.
    pub async fn readiness(&self) -> Option<String> {
        Some(self.view().await?["status"].as_str()?.to_owned())
    }

    /// Whether everything in its journal is in the database.
    pub async fn is_applied(&self) -> bool {
        self.view().await.is_some_and(|view| view["journal"]["outstanding"] == 0)
    }

    /// What it has logged so far, line by line, without its last words to the console.
    pub fn log(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(&self.log).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("askpro: "));
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    }

    /// Waits until `/readyz` says this word.
    pub async fn wait_until(&mut self, word: &str) {
        self.wait_until_within(PATIENCE, word).await;
    }

    pub async fn wait_until_within(&mut self, limit: Duration, word: &str) {
        within(limit, &format!("/readyz says {word}"), async || {
            assert!(self.child.try_wait().unwrap().is_none(), "it ended before it was {word}");
            (self.readiness().await.as_deref() == Some(word)).then_some(())
        })
        .await;
    }

    /// Sends a signal by its name: `TERM`, `KILL`, `STOP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// kill -9, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether it is still there.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        eventually("the program ends", async || self.child.try_wait().unwrap()).await
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `askpro` with these settings and no others.
pub fn command(setup: &Setup) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_askpro"));
    for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("ASKPRO__")) {
        command.env_remove(name);
    }
    command.envs(&setup.env).current_dir(setup.folder.path());
    command
}

/// Runs a command to its end: exit code, what it said, what it complained of.
pub fn run(setup: &Setup, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(setup).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}
