//! Reading the project's own sources: files, code apart from comments, and the paths that code names.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// One file of the project.
pub(crate) struct Source {
    /// Its path from the project's root, with forward slashes.
    pub(crate) path: String,
    /// Everything that stands in it.
    pub(crate) text: String,
}

impl Source {
    /// A file that exists only in a test.
    pub(crate) fn sample(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The code alone: comments and the insides of texts are gone, lines stay where they are.
    pub(crate) fn code(&self) -> String {
        split(&self.text).0
    }

    /// The comments alone.
    pub(crate) fn comments(&self) -> String {
        split(&self.text).1
    }

    /// The module path below `root`: `src/http/webhooks/retell.rs` is `[http, webhooks, retell]`.
    pub(crate) fn module(&self, root: &str) -> Option<Vec<String>> {
        let inside = self.path.strip_prefix(root)?.strip_prefix('/')?.strip_suffix(".rs")?;
        let mut names: Vec<String> = inside.split('/').map(str::to_owned).collect();
        if names
            .last()
            .is_some_and(|name| name == "mod" || (names.len() == 1 && (name == "lib" || name == "main")))
        {
            names.pop();
        }
        Some(names)
    }
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The file at `path`, if there is one.
pub(crate) fn file(path: &str) -> Option<Source> {
    fs::read_to_string(project().join(path)).ok().map(|text| Source { path: path.to_owned(), text })
}

/// Every Rust file below the folders; a folder that does not exist yet has none.
pub(crate) fn rust_files(folders: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(&project().join(folder), &mut paths);
    }
    let rust = paths.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    rust.filter_map(|path| {
        let inside = path.strip_prefix(project()).ok()?;
        file(&inside.to_string_lossy().replace('\\', "/"))
    })
    .collect()
}

/// The names of the files in a folder, in order; none when it does not exist yet.
pub(crate) fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(project().join(folder)).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { collect(&path, into) } else { into.push(path) }
    }
}

/// Code and comments of a Rust text, each with the lines of the whole.
fn split(text: &str) -> (String, String) {
    let (mut code, mut comments) = (String::new(), String::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (taken, kind) = token(rest, first, code.chars().last());
        let (piece, after) = rest.split_at(taken);
        rest = after;
        match kind {
            Kind::Code => code.push_str(piece),
            Kind::Comment => comments.push_str(piece),
            Kind::Text => code.push_str("\"\""),
        }
        let newlines = "\n".repeat(piece.matches('\n').count());
        if kind != Kind::Code {
            code.push_str(&newlines);
        }
        if kind != Kind::Comment {
            comments.push_str(&newlines);
        }
    }
    (code, comments)
}

#[derive(PartialEq)]
enum Kind {
    Code,
    Comment,
    Text,
}

/// The length in bytes and the kind of what begins here. `before` is the code character in front.
fn token(rest: &str, first: char, before: Option<char>) -> (usize, Kind) {
    let starts_word = !before.is_some_and(is_word);
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), Kind::Comment);
    }
    if rest.starts_with("/*") {
        return (rest.find("*/").map_or(rest.len(), |end| end + 2), Kind::Comment);
    }
    if first == '"' {
        return (quoted(rest), Kind::Text);
    }
    if let Some(after) = rest.strip_prefix('r').filter(|_| starts_word || before == Some('b')) {
        let hashes = after.len() - after.trim_start_matches('#').len();
        if after[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let body = 1 + hashes + 1;
            return (
                rest[body..].find(&close).map_or(rest.len(), |end| body + end + close.len()),
                Kind::Text,
            );
        }
    }
    if let Some(length) = character_literal(rest) {
        return (length, Kind::Text);
    }
    (first.len_utf8(), Kind::Code)
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `'x'` or `'\n'`, but not the lifetime `'x`.
fn character_literal(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    let skipped = if inside.starts_with('\\') { 2 } else { inside.chars().next()?.len_utf8() };
    let end = inside.get(skipped..)?.find('\'').map(|end| 1 + skipped + end + 1)?;
    (inside.starts_with('\\') || end == 2 + skipped).then_some(end).filter(|end| *end <= 14)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Every path in `code` that begins with `root::`, its groups resolved: `root::{a, b::c}` gives `[a]`, `[b, c]`.
pub(crate) fn paths_from(code: &str, root: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(root) {
        if code[..at].chars().next_back().is_some_and(is_word) {
            continue;
        }
        let after = code[at + root.len()..].trim_start();
        if let Some(tree) = after.strip_prefix("::") {
            use_tree(tree, &[], &mut found);
        }
    }
    found
}

/// Reads one path with groups; gives what stands after it.
fn use_tree<'a>(text: &'a str, above: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let mut path = above.to_vec();
    let mut rest = text.trim_start();
    loop {
        if let Some(mut group) = rest.strip_prefix('{') {
            loop {
                group = use_tree(group, &path, found).trim_start();
                match group.strip_prefix(',') {
                    Some(more) if !more.trim_start().starts_with('}') => group = more,
                    other => return other.unwrap_or(group).trim_start().trim_start_matches('}'),
                }
            }
        }
        let length = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        path.push(if name.is_empty() { after.chars().take(1).collect() } else { name.to_owned() });
        match after.trim_start().strip_prefix("::") {
            Some(more) if !name.is_empty() => rest = more.trim_start(),
            _ => {
                found.push(path);
                let after = after
                    .trim_start()
                    .strip_prefix("as ")
                    .map_or(after, |alias| alias.trim_start().trim_start_matches(is_word));
                return after.trim_start_matches('*');
            }
        }
    }
}

/// Whether `code` names something of the crate or module `name`.
pub(crate) fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let (before, after) = (&code[..at], code[at + name.len()..].trim_start());
        let inside_path = before.trim_end().ends_with("::")
            && !before.trim_end().trim_end_matches("::").is_empty()
            && before.trim_end().trim_end_matches("::").ends_with(is_word);
        let whole_word = !before.ends_with(is_word) && !after_is_word(&code[at + name.len()..]);
        let imported = before.trim_end().ends_with("use") && after.starts_with([';', 'a']);
        whole_word && !inside_path && (after.starts_with("::") || imported)
    })
}

fn after_is_word(after: &str) -> bool {
    after.starts_with(is_word)
}

#[test]
fn code_and_comments_come_apart() {
    let source = Source::sample(
        "x.rs",
        "let a = \"// no\"; // yes\nr#\"crate::x\"#; 'a: '\"' '\\'' /* two\nlines */ b",
    );
    assert_eq!(source.code(), "let a = \"\"; \n\"\"; 'a: \"\" \"\" \n b");
    assert_eq!(source.comments(), "// yes\n/* two\nlines */");
}

#[test]
fn paths_are_found_with_their_groups() {
    let code =
        "use crate::{store::{a, b as c}, http, x::*}; crate::one::two(); mycrate::no; use crate::d as e;";
    let paths: Vec<String> = paths_from(code, "crate").iter().map(|path| path.join(" ")).collect();
    assert_eq!(paths, ["store a", "store b", "http", "x *", "one two", "d"]);
}

#[test]
fn a_crate_is_recognised_by_its_whole_name() {
    assert!(names_crate("use actix::prelude::*;", "actix") && names_crate("use sqlx;", "sqlx"));
    assert!(names_crate("#[derive(sqlx::FromRow)]", "sqlx") && names_crate("use ::tokio::sync;", "tokio"));
    assert!(!names_crate("use actix_web::web;", "actix") && !names_crate("crate::tokio::x", "tokio"));
    assert!(!names_crate("let reqwest = 1;", "reqwest"));
}
