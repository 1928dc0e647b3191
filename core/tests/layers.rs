//! The modules of core import each other in one direction only, and reach what is outside through few doors.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// Who may know whom: a module may import those before it, and its own parts.
/// Modules of one inner list stand beside each other and do not import each other,
/// but for the ones that a comment names.
const LAYERS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("failpoint", &[]),
    ("varint", &[]),
    ("payload", &[]),
    ("id", &["error"]),
    ("time", &["error"]),
    ("clock", &["error", "id", "time", "varint"]),
    ("storage", &["error"]),
    // An entry carries its clock.
    ("change", &["error", "id", "time", "clock"]),
    ("causality", &["error", "id", "time", "clock", "change"]),
    ("log", &["error", "failpoint", "id", "time", "clock", "storage", "change", "causality", "varint"]),
    ("conflict", &["error", "id", "time", "clock", "change", "payload"]),
    (
        "replica",
        &["error", "id", "time", "clock", "storage", "change", "causality", "log", "conflict", "payload"],
    ),
];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The top-level modules that `text` names after `crate::`.
fn imported(text: &str) -> impl Iterator<Item = &str> {
    text.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|character: char| !character.is_ascii_lowercase() && character != '_');
        &rest[..end.unwrap_or(rest.len())]
    })
}

#[test]
fn every_import_goes_from_right_to_left() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut checked = 0;
    for file in files.iter().filter(|file| !file.ends_with("lib.rs")) {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        let (_, allowed) = LAYERS
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("module {module} has no place in the layers: give it one"));
        let text = fs::read_to_string(file).unwrap();
        for other in imported(&text).filter(|other| !other.is_empty() && *other != module) {
            assert!(allowed.contains(&other), "{} imports {other}", relative.display());
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} imports were found: the test no longer sees them");
}

/// What reaches files, time, randomness or the process, and the files of core that may: everything else has them injected.
const DOORS: &[(&str, &[&str])] = &[
    ("std::fs", &["storage/file.rs", "storage/mapped.rs"]),
    ("std::os", &["storage/file.rs", "storage/mapped.rs"]),
    ("memmap2", &["storage/mapped.rs"]),
    ("std::process", &["storage/mapped.rs"]),
    ("std::net", &[]),
    ("std::env", &["failpoint.rs"]),
    ("thread::sleep", &["storage/file.rs", "log/ends.rs"]),
    ("thread::spawn", &[]),
    // The timeout of a wait is real time, whatever the log's is.
    ("Instant", &["time/deadline.rs"]),
    ("time::SystemTime::now", &["time/source.rs"]),
    ("UNIX_EPOCH", &["time/source.rs"]),
    ("elapsed(", &[]),
    ("new_v4", &["id/source.rs"]),
    ("getrandom", &[]),
    ("rand::", &[]),
    ("RandomState", &[]),
    // Seeded anew in every process.
    ("std::collections::HashMap", &[]),
    ("std::collections::HashSet", &[]),
];

/// A source without its comments and its tests, which stand at its end.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

#[test]
fn only_a_few_files_reach_what_is_outside() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut used = Vec::new();
    for file in &files {
        let relative = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let is_test = relative.contains("/tests");
        let text = code(&fs::read_to_string(file).unwrap());
        for (door, allowed) in DOORS.iter().filter(|(door, _)| !is_test && text.contains(door)) {
            assert!(allowed.contains(&relative.as_str()), "{relative} uses {door}: have it injected");
            used.push((*door, relative.clone()));
        }
    }
    // A door that is used no more, or is spelled another way by now, is not watched.
    for (door, allowed) in DOORS {
        for file in *allowed {
            assert!(used.contains(&(*door, (*file).to_owned())), "{file} does not use {door}");
        }
    }
}
