//! Where SQLite's file was when it was opened, and whether it is still there. Without its name the file lives only
//! as long as this process: what is written to it is lost at the end.

use std::{
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// A file by its name, and what tells it from another one of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    path: PathBuf,
    identity: Identity,
}

/// Device and inode.
type Identity = (u64, u64);

/// The file that is open is not the one of its name any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Displaced {
    /// There is none.
    #[error("the database file {} was deleted or moved while it is open", .0.display())]
    Gone(PathBuf),
    /// There is another one.
    #[error("the database file {} was replaced by another while it is open", .0.display())]
    Replaced(PathBuf),
}

impl Place {
    /// Of a file that was just opened. Errors: nothing is there, as with a database in memory.
    pub(super) async fn of(path: &Path) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let identity = identity_of(&path).await?;
        Ok(Self { path, identity })
    }

    /// Whether the file is not there any more. A folder that cannot be looked at says nothing.
    pub(super) async fn displaced(&self) -> Option<Displaced> {
        match identity_of(&self.path).await {
            Ok(identity) if identity == self.identity => None,
            Ok(_) => Some(Displaced::Replaced(self.path.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Displaced::Gone(self.path.clone())),
            Err(_) => None,
        }
    }
}

async fn identity_of(path: &Path) -> io::Result<Identity> {
    let metadata = tokio::fs::metadata(path).await?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_is_moved_replaced_and_moved_back_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("a.db"), dir.path().join("b.db"));
        std::fs::write(&path, "1").unwrap();
        let place = Place::of(&path).await.unwrap();
        assert_eq!(place.displaced().await, None);
        std::fs::write(&path, "other bytes").unwrap();
        assert_eq!(place.displaced().await, None, "only its bytes changed");
        std::fs::rename(&path, &moved).unwrap();
        assert_eq!(place.displaced().await, Some(Displaced::Gone(path.clone())));
        std::fs::write(&path, "1").unwrap();
        assert_eq!(place.displaced().await, Some(Displaced::Replaced(path.clone())));
        std::fs::rename(&moved, &path).unwrap();
        assert_eq!(place.displaced().await, None);
        assert!(Place::of(&dir.path().join("none.db")).await.is_err());
    }
}
