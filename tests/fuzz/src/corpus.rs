//! Inputs that are files: what is kept of a target, and the fixtures that others are made of.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Kept inputs of a target, in the order of their names. None where nothing is kept yet.
pub(crate) fn kept(name: &str) -> Vec<Vec<u8>> {
    let found = files(&root().join("tests/fuzz/corpus").join(name));
    found.into_iter().map(|(_, bytes)| bytes).collect()
}

/// Contents of the files of a folder of the repository whose names end with `end`, in the order of their names.
#[must_use]
pub fn fixtures(folder: &str, end: &str) -> Vec<Vec<u8>> {
    let found = files(&root().join(folder));
    found
        .into_iter()
        .filter(|(path, _)| path.to_string_lossy().ends_with(end))
        .map(|(_, bytes)| bytes)
        .collect()
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    paths.sort();
    paths.into_iter().filter_map(|path| fs::read(&path).ok().map(|bytes| (path, bytes))).collect()
}
