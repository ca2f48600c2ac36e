//! Whether a folder can be a journal, without opening it.

use std::fs;

use super::{JournalError, JournalOptions, folder};

/// Checks that the folder can be made, locked and written. Gives a line for the operator.
///
/// # Errors
/// What is wrong with it, with its remedy. A folder that a running service has locked is right as it is.
pub fn check(options: &JournalOptions) -> Result<String, JournalError> {
    let dir = &options.dir;
    let lock = match folder::lock(dir) {
        Ok(lock) => lock,
        Err(JournalError::Locked { .. }) => {
            return Ok(format!("{} is in use by a running askpro", dir.display()));
        }
        Err(error) => return Err(error),
    };
    let probe = dir.join("doctor.probe");
    fs::write(&probe, b"askpro").map_err(JournalError::folder(&probe))?;
    fs::remove_file(&probe).map_err(JournalError::folder(&probe))?;
    drop(lock);
    Ok(format!("{} can be written, up to {} MB", dir.display(), options.max_bytes >> 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_can_be_written_passes_and_a_file_in_its_place_does_not() {
        let root = tempfile::tempdir().unwrap();
        let options = |name: &str| JournalOptions {
            dir: root.path().join(name),
            max_bytes: 1 << 20,
            segment_bytes: 1 << 18,
        };
        assert!(check(&options("journal")).unwrap().contains("can be written"));
        std::fs::write(root.path().join("file"), b"x").unwrap();
        assert!(check(&options("file")).is_err());
    }
}
