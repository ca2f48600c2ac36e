//! A database server of a course's own, to freeze, stop and kill: started beside the tests' servers.

use std::process::Command;

use super::home::Kind;

/// Removed with its data when dropped.
pub struct Server {
    kind: Kind,
    instance: String,
    port: u16,
    /// Of its first database; schemas are made beside it.
    pub url: String,
}

impl Server {
    pub fn start(kind: Kind) -> Self {
        let instance = format!("f{:08x}", rand::random::<u32>());
        // A port of its own: servers that start at the same moment find the same one free. Below those that the system
        // gives to whoever connects: one that connects to a server that is away could be given its port, and keep it.
        let port = rand::random_range(20_000..30_000_u16).to_string();
        let ports = [("ASKPRO_TEST_MARIADB_PORT", port.as_str()), ("ASKPRO_TEST_MYSQL_PORT", port.as_str())];
        let said = script(&instance, &ports, &["start", kind.name()]);
        let url = said.split('\'').nth(1).unwrap_or_else(|| panic!("no URL in {said:?}")).to_owned();
        let port = url.rsplit_once('/').unwrap().0.rsplit_once(':').unwrap().1.parse().unwrap();
        Self { kind, instance, port, url }
    }

    /// `STOP` freezes it, `CONT` lets it go on, `KILL` is a loss of power.
    pub fn signal(&self, signal: &str) {
        script(&self.instance, &[], &["signal", self.kind.name(), signal]);
    }

    /// Shuts it down as its package would.
    pub fn stop(&self) {
        script(&self.instance, &[], &["stop", self.kind.name()]);
    }

    /// Starts it again on its data and its port.
    pub fn start_again(&self) {
        let port = self.port.to_string();
        let said = script(
            &self.instance,
            &[("ASKPRO_TEST_MARIADB_PORT", &port), ("ASKPRO_TEST_MYSQL_PORT", &port)],
            &["start", self.kind.name()],
        );
        assert!(said.contains(&self.url), "another port: {said}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = command(&self.instance).args(["signal", self.kind.name(), "CONT"]).output();
        let _ = command(&self.instance).arg("remove").output();
    }
}

fn command(instance: &str) -> Command {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/databases.sh"));
    command.env("ASKPRO_TEST_INSTANCE", instance);
    for given in ["ASKPRO_TEST_MARIADB_URL", "ASKPRO_TEST_MYSQL_URL"] {
        command.env_remove(given);
    }
    command
}

fn script(instance: &str, env: &[(&str, &str)], words: &[&str]) -> String {
    let output = command(instance).envs(env.iter().copied()).args(words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
    text(&output.stdout)
}
