//! What it is measured on.

use std::time::Duration;

use sqlx::{Connection, Executor, MySqlConnection, Row};

/// One line.
pub async fn tell(server: &str) -> String {
    let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or(String::new(), |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = field(&file("/proc/cpuinfo"), "model name");
    let memory = field(&file("/proc/meminfo"), "MemTotal");
    let kib: u64 = memory.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or_default();
    let kernel = file("/proc/sys/kernel/osrelease");
    let mut connection = MySqlConnection::connect(server).await.unwrap();
    let asked = "SELECT VERSION(), CAST(@@innodb_buffer_pool_size DIV 1048576 AS SIGNED), \
                 CAST(@@innodb_flush_log_at_trx_commit AS SIGNED)";
    let row = connection.fetch_one(asked).await.unwrap();
    let (version, pool, flush): (String, i64, i64) = (row.get(0), row.get(1), row.get(2));
    format!(
        "{cores} cores ({model}), {} GiB, Linux {}, {version} with {pool} MiB of buffer pool and \
         innodb_flush_log_at_trx_commit = {flush}",
        kib / 1_048_576,
        kernel.trim()
    )
}

/// How long is looked before a group.
const LOOK: Duration = Duration::from_secs(1);

/// The share of the machine that is busy while nothing is measured. What others do halves a rate without a trace.
pub async fn busy_with_others() -> f64 {
    let (busy, all) = ticks();
    tokio::time::sleep(LOOK).await;
    let (busy_after, all_after) = ticks();
    (busy_after - busy) as f64 / (all_after - all).max(1) as f64
}

/// Of all cores: busy and all.
fn ticks() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; what follows is in them already.
    let all: u64 = fields.iter().take(8).sum();
    let idle: u64 = fields.iter().skip(3).take(2).sum();
    (all - idle, all)
}
