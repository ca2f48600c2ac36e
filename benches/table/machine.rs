//! What it is measured on.

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
