//! The committed header is what the sources say.
//!
//! `CAUSELOG_BLESS=1 cargo test -p causelog-ffi --test header` writes it anew.

#![allow(clippy::expect_used)] // a test that cannot go on says why

use std::fs;
use std::path::Path;

/// The files of the library in the order in which a reader of the header wants them.
const SOURCES: &[&str] = &[
    "version",
    "handle",
    "status",
    "error",
    "text",
    "identity",
    "time",
    "clock",
    "row_id",
    "enumeration",
    "change",
    "entry",
    "transaction",
    "log",
    "stats",
    "cursor",
    "time_travel",
    "snapshot",
    "view",
    "consumer",
    "removal",
    "compression",
    "verify",
    "resolution",
    "detector",
    "report",
    "row_resolution",
    "registry",
    "resolver",
    "replica",
    "replica_row",
    "write",
    "exchange",
    "conflicts",
    "inbox",
    "effective",
    "what_if",
    "explanation",
    "row_stats",
];

/// Files that declare nothing to C.
const INTERNAL: &[&str] = &["guard", "input", "lib"];

fn render() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml")).expect("cbindgen.toml is read");
    let macros = config.after_includes.take().expect("cbindgen.toml has after_includes");
    let version = |part: &str, macros: String| {
        let value = match part {
            "MAJOR" => env!("CARGO_PKG_VERSION_MAJOR"),
            "MINOR" => env!("CARGO_PKG_VERSION_MINOR"),
            "PATCH" => env!("CARGO_PKG_VERSION_PATCH"),
            _ => env!("CARGO_PKG_VERSION"),
        };
        macros.replace(&format!("@{part}@"), value)
    };
    let parts = ["MAJOR", "MINOR", "PATCH", "VERSION"];
    config.after_includes = Some(parts.into_iter().fold(macros, |macros, part| version(part, macros)));

    let builder = cbindgen::Builder::new().with_config(config);
    let builder = SOURCES
        .iter()
        .fold(builder, |builder, name| builder.with_src(root.join("src").join(name).with_extension("rs")));
    let mut header = Vec::new();
    builder.generate().expect("the sources are parsed").write(&mut header);
    String::from_utf8(header).expect("the header is UTF-8")
}

#[test]
fn the_header_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/causelog.h");
    let rendered = render();
    if std::env::var_os("CAUSELOG_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("include/")).expect("include/ is made");
        fs::write(&path, &rendered).expect("the header is written");
    }
    let committed = fs::read_to_string(&path).expect("include/causelog.h is there");
    let differs = committed.lines().zip(rendered.lines()).position(|(old, new)| old != new);
    assert!(
        committed == rendered,
        "include/causelog.h is out of date from line {} on: run the test with CAUSELOG_BLESS=1 and commit it",
        differs.map_or(committed.lines().count().min(rendered.lines().count()), |line| line) + 1
    );
}

#[test]
fn no_source_file_is_forgotten() {
    let sources = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("src/ is read");
    let mut names: Vec<_> = sources
        .map(|file| {
            file.expect("src/ is read").path().file_stem().expect("a name").to_string_lossy().into_owned()
        })
        .collect();
    let mut known: Vec<_> = SOURCES.iter().chain(INTERNAL).map(|name| (*name).to_owned()).collect();
    names.sort();
    known.sort();
    assert_eq!(names, known);
}
