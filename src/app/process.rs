//! What the system lets this process have and leave behind: open files, and core dumps.

use rlimit::Resource;

/// Files that connections leave to others: segments of the journal, the database's connections, requests to
/// vendors.
const FILES_KEPT: u64 = 1_024;

/// How many of the wanted connections the process can have without taking the files that journal and database
/// need. Raises the limit of open files first, as far as the system allows.
pub(super) fn connections_that_fit(wanted: usize) -> usize {
    let files_wanted = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_add(FILES_KEPT);
    let limit = rlimit::increase_nofile_limit(files_wanted);
    let fit = limit.map_or(wanted, |limit| fit(wanted, limit));
    if fit < wanted / 2 {
        tracing::warn!(
            setting = "http.connections_max",
            connections_max = fit,
            "the limit of open files is far too low for http.connections_max: fewer connections are taken. Raise it \
             (ulimit -n, LimitNOFILE)"
        );
    } else if fit < wanted {
        tracing::info!(connections_max = fit, "the limit of open files allows fewer connections");
    }
    fit
}

/// Connections within a limit of files: all but those kept, and half of a limit that is very low.
fn fit(wanted: usize, limit: u64) -> usize {
    let for_connections = limit.saturating_sub(FILES_KEPT).max(limit / 2);
    wanted.min(usize::try_from(for_connections).unwrap_or(usize::MAX))
}

/// No core dump is written when the process crashes: keys and callers' words would be in it. Whoever needs one
/// says so with `prlimit --core`.
pub(super) fn leave_no_core() {
    let set = Resource::CORE.get().and_then(|(_, hard)| Resource::CORE.set(0, hard));
    if let Err(error) = set {
        tracing::warn!(%error, "core dumps could not be switched off");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_to_journal_and_database() {
        assert_eq!(fit(25_000, 1_048_576), 25_000);
        assert_eq!(fit(25_000, 20_000), 18_976);
        assert_eq!(fit(25_000, 1_024), 512);
        assert_eq!(fit(100, 1_024), 100);
    }

    #[test]
    fn a_crash_leaves_no_core() {
        leave_no_core();
        assert_eq!(Resource::CORE.get().unwrap().0, 0);
    }
}
