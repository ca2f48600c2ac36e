//! Which part of the machine the service has, and which those who press on it.

use std::process::Command;

/// Where this process runs, what it starts, and the databases; everywhere again when it is dropped. With one core nothing
/// changes.
pub struct Cores(usize);

impl Cores {
    /// The first core: what is started now has no other, and knows it.
    pub fn first() -> Self {
        let all = std::thread::available_parallelism().unwrap().get();
        assert!(bind("0", std::process::id()), "taskset: the cores could not be parted");
        Self(all)
    }

    /// All other cores: what was started before stays where it is.
    pub fn others(&self) {
        if self.0 > 1 {
            bind_everybody_else(&format!("1-{}", self.0 - 1));
        }
    }
}

impl Drop for Cores {
    fn drop(&mut self) {
        bind_everybody_else(&format!("0-{}", self.0 - 1));
    }
}

/// This process, and every database server that is ours to bind.
fn bind_everybody_else(cores: &str) {
    assert!(bind(cores, std::process::id()), "taskset: the cores could not be parted");
    let servers = Command::new("pgrep").args(["-x", "mariadbd|mysqld"]).output().unwrap().stdout;
    for server in String::from_utf8_lossy(&servers).lines().filter_map(|line| line.parse().ok()) {
        bind(cores, server);
    }
}

/// Binds all threads of a process to these cores; whether that is so now.
fn bind(cores: &str, process: u32) -> bool {
    let bound = Command::new("taskset").args(["-a", "-c", "-p", cores, &process.to_string()]).output();
    bound.unwrap().status.success()
}
