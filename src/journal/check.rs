//! Whether a folder can be a journal, without opening it, and without making anything in it.

use std::fs;
use std::io;
use std::path::Path;

use super::{JournalError, JournalOptions, folder};

/// Checks that the folder is one that can be locked. Gives a line for the operator.
///
/// # Errors
/// What is wrong with it, with its remedy. A folder that a running service has locked is right as it is.
pub fn check(options: &JournalOptions) -> Result<String, JournalError> {
    let dir = &options.dir;
    let room = options.max_bytes >> 20;
    match fs::metadata(dir) {
        Ok(metadata) if !metadata.is_dir() => Err(not_usable(dir, io::ErrorKind::NotADirectory)),
        Ok(metadata) if metadata.permissions().readonly() => {
            Err(not_usable(dir, io::ErrorKind::PermissionDenied))
        }
        Ok(_) => match folder::lock_existing(dir) {
            Ok(Some(_lock)) => Ok(format!("{} can be used, up to {room} MB", dir.display())),
            Ok(None) => Ok(format!("{} is there, without a journal yet; up to {room} MB", dir.display())),
            Err(JournalError::Locked { .. }) => {
                Ok(format!("{} is in use by a running askpro", dir.display()))
            }
            Err(error) => Err(error),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let there = dir.ancestors().skip(1).find(|folder| folder.exists());
            match there {
                Some(file) if !file.is_dir() => Err(not_usable(file, io::ErrorKind::NotADirectory)),
                _ => Ok(format!("{} does not exist yet: askpro serve creates it", dir.display())),
            }
        }
        Err(error) => Err(JournalError::folder(dir)(error)),
    }
}

fn not_usable(path: &Path, kind: io::ErrorKind) -> JournalError {
    JournalError::folder(path)(kind.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Journal;

    #[test]
    fn a_folder_is_looked_at_and_left_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let options = |name: &str| JournalOptions {
            dir: root.path().join(name),
            max_bytes: 1 << 20,
            segment_bytes: 1 << 18,
        };
        let names = || fs::read_dir(root.path()).unwrap().count();
        assert!(check(&options("deep/journal")).unwrap().contains("does not exist yet"));
        assert_eq!(names(), 0, "nothing was made");
        fs::create_dir(root.path().join("empty")).unwrap();
        assert!(check(&options("empty")).unwrap().contains("without a journal yet"));
        assert_eq!(fs::read_dir(root.path().join("empty")).unwrap().count(), 0);
        let (journal, _) = Journal::open(options("journal"), || "id".to_owned()).unwrap();
        assert!(check(&options("journal")).unwrap().contains("in use"));
        drop(journal);
        assert!(check(&options("journal")).unwrap().contains("can be used"));
        fs::write(root.path().join("file"), b"x").unwrap();
        for name in ["file", "file/deeper/journal"] {
            let refused = check(&options(name)).unwrap_err().to_string();
            assert!(refused.contains("a file is in the way"), "{refused}");
        }
    }
}
