//! The tables as text.

use std::fmt::Write;

use anyhow::{Result, ensure};

use crate::options::Options;
use crate::peers::Peer;
use crate::plan::{Goal, LARGE, Table};
use crate::run::{Measured, Place};
use crate::sample::{Metric, median, thousands};
use crate::workload::{KEY_LENGTH, PAYLOAD_LENGTH, ROWS};
use crate::{growth, process};

/// What was measured, where, and in which versions.
pub(crate) fn heading(options: &Options, place: &Place) -> String {
    let mut text = format!(
        "{} entries over {} rows, key {KEY_LENGTH} B, payload {PAYLOAD_LENGTH} B; rounds: {}; durable runs of {:?}\n",
        thousands(options.entries() as f64),
        thousands(ROWS as f64),
        options.rounds(),
        options.seconds(),
    );
    let _ = writeln!(text, "{}", process::machine(place.path()));
    let _ = writeln!(text, "{}", versions());
    if process::filesystem(place.path()).is_some_and(|kind| kind == "tmpfs") {
        let _ = writeln!(
            text,
            "this is memory, not a disk: the durable rows mean nothing, name another --directory"
        );
    }
    if options.quick {
        let _ = writeln!(text, "quick: too short to quote");
    }
    text
}

/// How much room the largest log takes, and where.
pub(crate) fn space(place: &Place) -> Result<String> {
    let needed = growth::space(LARGE);
    let free = process::free_space(place.path())?;
    ensure!(free > needed, "{} has {free} bytes left: --growth needs {needed}", place.path().display());
    Ok(format!(
        "the log of {} entries takes up to {:.1} GB of disk",
        thousands(LARGE as f64),
        needed as f64 / 1e9
    ))
}

/// The version of every package that takes part, as it was built.
fn versions() -> String {
    let locked = include_str!("../Cargo.lock");
    let version = |package: &str| {
        let (_, after) = locked.split_once(&format!("name = \"{package}\"\nversion = \""))?;
        after.split('"').next()
    };
    let peers = [Peer::Causelog, Peer::RaftEngine, Peer::Commitlog, Peer::Lmdb, Peer::Sqlite, Peer::Bare];
    let named = peers.map(|peer| format!("{} {}", peer.package(), version(peer.package()).unwrap_or("?")));
    named.join(", ")
}

/// One table, with what the library is to reach below it.
pub(crate) fn table(table: &Table, measured: &[Measured], options: &Options) -> String {
    let mut lines = vec![head(table)];
    let baseline = of(measured, Peer::Bare).and_then(|bare| middle(bare, table.columns[0]));
    lines.extend(measured.iter().map(|measured| row(table, measured, baseline)));
    let mut text = format!("{}  [{}]\n", table.title, table.name);
    text.push_str(&align(&lines));
    for measured in measured {
        if let Some(failure) = &measured.failure {
            let _ = writeln!(text, "  {} failed: {failure}", measured.peer.name());
        }
        let appended = middle(measured, Metric::Appended);
        // Durable runs have a time and no number of entries.
        let capped = !table.columns.contains(&Metric::Latency50);
        if let Some(appended) = appended.filter(|appended| capped && *appended < options.entries() as f64) {
            let (name, appended) = (measured.peer.name(), thousands(appended));
            let _ = writeln!(text, "  {name} was stopped after {:?}, with {appended} entries", options.cap());
        }
    }
    for goal in &table.goals {
        if let Some(Reached { wanted, now, verdict }) = reached(*goal, table.columns[0], measured) {
            let _ = writeln!(text, "  goal: {wanted}; causelog: {now}, {verdict}");
        }
    }
    if let Some(elsewhere) = table.elsewhere {
        let _ = writeln!(text, "  heliosdb-nano 4.41.1, measured apart: {elsewhere}");
    }
    text
}

/// Tables that are alike as one, with a row for each, so that one sees what changes between them.
pub(crate) fn family(title: &str, rows: &[(&Table, Measured)], options: &Options) -> String {
    let mut text = format!("{title}\n");
    let Some((first, _)) = rows.first() else { return text };
    let head = first.columns.iter().map(|column| column.heading().to_owned());
    let mut lines = vec![std::iter::once(String::new()).chain(head).collect::<Vec<_>>()];
    for (table, measured) in rows {
        let cell =
            |metric: &Metric| middle(measured, *metric).map_or("-".to_owned(), |value| metric.format(value));
        lines.push(std::iter::once(table.name.clone()).chain(table.columns.iter().map(cell)).collect());
    }
    text.push_str(&align(&lines));
    for (table, measured) in rows {
        if let Some(failure) = &measured.failure {
            let _ = writeln!(text, "  {} failed: {failure}", table.name);
        }
        if let Some(left) = middle(measured, Metric::Left).filter(|left| *left > 0.0) {
            let (name, left) = (&table.name, thousands(left));
            let _ = writeln!(
                text,
                "  {name} was stopped after {:?}, with {left} transactions left",
                options.cap()
            );
        }
    }
    for goal in &first.goals {
        let each = rows.iter().filter_map(|(table, measured)| {
            reached(*goal, table.columns[0], std::slice::from_ref(measured))
                .map(|reached| (&table.name, reached))
        });
        let each: Vec<_> = each.collect();
        let Some((_, Reached { wanted, .. })) = each.first() else { continue };
        let each: Vec<String> = each
            .iter()
            .map(|(name, reached)| format!("{name}: {}, {}", reached.now, reached.verdict))
            .collect();
        let _ = writeln!(text, "  goal: {wanted}; {}", each.join("; "));
    }
    text
}

fn head(table: &Table) -> Vec<String> {
    let mut cells = vec![String::new(), table.columns[0].heading().to_owned()];
    cells.extend(["best", "× bare"].map(str::to_owned));
    cells.extend(table.columns[1..].iter().map(|column| column.heading().to_owned()));
    cells
}

fn row(table: &Table, measured: &Measured, baseline: Option<f64>) -> Vec<String> {
    let (subject, others) = (table.columns[0], &table.columns[1..]);
    let show =
        |metric: Metric, value: Option<f64>| value.map_or("-".to_owned(), |value| metric.format(value));
    let median = middle(measured, subject);
    let ratio = median.zip(baseline).map(|(median, baseline)| show_ratio(median / baseline));
    let mut cells = vec![
        measured.peer.name().to_owned(),
        show(subject, median),
        show(subject, best(measured, subject)),
        ratio.unwrap_or("-".to_owned()),
    ];
    cells.extend(others.iter().map(|&metric| show(metric, middle(measured, metric))));
    cells
}

/// Enough digits to tell something.
fn show_ratio(ratio: f64) -> String {
    if ratio < 0.1 { format!("{ratio:.4}") } else { format!("{ratio:.2}") }
}

/// Columns as wide as their widest cell, the first to the left and all others to the right.
fn align(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| lines.iter().filter_map(|line| Some(line.get(column)?.chars().count())).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for line in lines {
        for (place, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ =
                if place == 0 { write!(text, "  {cell:<width$}") } else { write!(text, "  {cell:>width$}") };
        }
        text.push('\n');
    }
    text
}

/// How far the library is from what it is to reach.
struct Reached {
    wanted: String,
    now: String,
    verdict: String,
}

/// `None` if one of the two was not measured.
fn reached(goal: Goal, subject: Metric, measured: &[Measured]) -> Option<Reached> {
    let causelog = of(measured, Peer::Causelog)?;
    let (wanted, share, now) = match goal {
        Goal::Times(times, peer) => {
            let ratio = middle(causelog, subject)? / middle(of(measured, peer)?, subject)?;
            (format!("at least {times:.2} × {}", peer.name()), ratio / times, format!("{ratio:.2} ×"))
        }
        Goal::Reach(metric, value) => {
            let now = middle(causelog, metric)?;
            let (bound, share) =
                if metric.is_rate() { ("at least", now / value) } else { ("at most", value / now) };
            let wanted = format!("{bound} {} {}", metric.format(value), metric.heading());
            (wanted, share, metric.format(now))
        }
    };
    let verdict =
        if share >= 1.0 { "reached".to_owned() } else { format!("{:.0} % of the goal", share * 100.0) };
    Some(Reached { wanted, now, verdict })
}

fn of(measured: &[Measured], peer: Peer) -> Option<&Measured> {
    measured.iter().find(|measured| measured.peer == peer)
}

fn values(measured: &Measured, metric: Metric) -> Vec<f64> {
    measured.samples.iter().filter_map(|sample| sample.get(&metric).copied()).collect()
}

fn middle(measured: &Measured, metric: Metric) -> Option<f64> {
    median(&mut values(measured, metric))
}

fn best(measured: &Measured, metric: Metric) -> Option<f64> {
    values(measured, metric).into_iter().reduce(if metric.is_rate() { f64::max } else { f64::min })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Stage;
    use crate::sample::Sample;

    fn rates(peer: Peer, rates: &[f64]) -> Measured {
        let samples = rates.iter().map(|rate| Sample::from([(Metric::AppendRate, *rate)])).collect();
        Measured { peer, samples, failure: None }
    }

    #[test]
    fn a_table_shows_median_best_ratio_and_goals() {
        let options = <Options as clap::Parser>::parse_from(["bench"]);
        let measured = [
            rates(Peer::Bare, &[900e3, 1000e3, 1100e3]),
            rates(Peer::Causelog, &[500e3, 400e3, 450e3]),
            rates(Peer::RaftEngine, &[300e3, 200e3, 250e3]),
        ];
        let tables = Stage::Life { batch: 1 }.tables();
        let text = table(&tables[0], &measured, &options);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[2][..4], ["bare", "1,000,000", "1,100,000", "1.00"]);
        assert_eq!(lines[3][..4], ["causelog", "450,000", "500,000", "0.45"]);
        assert!(text.contains("at least 0.80 × bare; causelog: 0.45 ×, 56 % of the goal"), "{text}");
        assert!(text.contains("at least 1.50 × raft-engine; causelog: 1.80 ×, reached"), "{text}");
    }

    #[test]
    fn a_family_has_a_row_for_each_of_its_tables() {
        let options = <Options as clap::Parser>::parse_from(["bench"]);
        let (small, large) =
            (Stage::Growth { entries: 100_000 }.tables(), Stage::Growth { entries: 1_000_000 }.tables());
        let measured = |time| {
            let samples = vec![Sample::from([(Metric::ReopenTime, time)])];
            Measured { peer: Peer::Causelog, samples, failure: None }
        };
        let mut failing = measured(10.0);
        failing.failure = Some("no luck".to_owned());
        let text = family("growth", &[(&small[0], measured(1.0)), (&large[0], failing)], &options);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[2][..3], ["growth-100k", "-", "1.000"]);
        assert_eq!(lines[3][..3], ["growth-1M", "-", "10.000"]);
        assert!(text.contains("growth-1M failed: no luck"), "{text}");
        let goal =
            "at most 5.000 reopen ms; growth-100k: 1.000, reached; growth-1M: 10.000, 50 % of the goal";
        assert!(text.contains(goal), "{text}");
    }

    #[test]
    fn the_versions_are_those_that_were_built() {
        assert!(!versions().contains('?'), "{}", versions());
    }
}
