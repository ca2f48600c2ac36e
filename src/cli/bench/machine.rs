//! The machine that a measurement was made on: figures mean nothing without it.

use serde::Serialize;

/// A machine and the build that ran on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Machine {
    /// Threads that run at the same time.
    pub(super) cores: usize,
    /// The processor as it calls itself.
    pub(super) cpu_model: String,
    /// Memory of the machine.
    pub(super) memory_bytes: u64,
    /// The kernel's release.
    pub(super) kernel: String,
    /// `release`, or `debug`, whose figures say nothing about speed.
    pub(super) build: &'static str,
}

impl Machine {
    /// This one.
    pub(super) fn this() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let known =
            |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or("unknown".to_owned());
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu_model: known(field(&read("/proc/cpuinfo"), "model name")),
            memory_bytes: kibibytes(&read("/proc/meminfo"), "MemTotal").unwrap_or(0),
            kernel: known(Some(read("/proc/sys/kernel/osrelease").trim().to_owned())),
            build: if cfg!(debug_assertions) { "debug" } else { "release" },
        }
    }
}

/// The most memory that this process has had, in bytes.
pub(super) fn memory_peak_bytes() -> Option<u64> {
    kibibytes(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM")
}

fn field(text: &str, name: &str) -> Option<String> {
    let fields = text.lines().filter_map(|line| line.split_once(':'));
    fields.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned()).next()
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let kibibytes: u64 = field(text, name)?.split(' ').next()?.parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc_are_read() {
        assert_eq!(kibibytes("MemTotal:       16384 kB\nMemFree: 1 kB\n", "MemTotal"), Some(16_777_216));
        assert_eq!(field("model name\t: AMD EPYC\n", "model name").as_deref(), Some("AMD EPYC"));
        assert_eq!(field("", "model name"), None);
    }
}
