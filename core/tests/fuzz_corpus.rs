//! The inputs that fuzzing picked out, run through the same checks without a fuzzer.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../fuzz/src/checks.rs"]
mod checks;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn listed(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_input_of_the_corpus_passes_its_check() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut unchecked: BTreeSet<PathBuf> = listed(&corpus).into_iter().collect();
    for (name, check) in checks::CHECKS {
        let directory = corpus.join(name);
        assert!(unchecked.remove(&directory), "{name} has no corpus");
        let inputs = listed(&directory);
        assert!(!inputs.is_empty(), "the corpus of {name} is empty");
        for input in inputs {
            println!("{name}: {}", input.display());
            check(&fs::read(&input).unwrap());
        }
    }
    assert!(unchecked.is_empty(), "there is no check for {unchecked:?}");
}
