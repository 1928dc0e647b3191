//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};

use crate::measure::TAIL;
use crate::peers::Peer;
use crate::plan::{Stage, Table};

/// Measures causelog beside the bare system calls and beside other logs.
///
/// Every measurement is a process of its own, so that its memory is its own. All
/// stores write the same entries, and take turns in every round.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Entries that are appended where nothing is synced [default: 1000000, quick: 100000]
    #[arg(long, value_parser = clap::value_parser!(u64).range(TAIL..))]
    entries: Option<u64>,

    /// Rounds; the tables show median and best of them [default: 3, quick: 2]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,

    /// Seconds that one durable run takes [default: 1.5, quick: 0.25]
    #[arg(long, value_parser = seconds)]
    seconds: Option<Duration>,

    /// Seconds after which a run that is not durable stops short of its entries [default: 20, quick: 3]
    #[arg(long, value_parser = seconds)]
    cap: Option<Duration>,

    /// Tables to print, by name or by its beginning; all unless named. They are: append-os-1, append-os-100, scan-1, scan-100,
    /// tail-1, tail-100, reopen-1, reopen-100, disk-1, disk-100, append-sync-1, append-sync-100,
    /// append-sync-16-threads, append-sync-64-threads, memory, clocks-3, clocks-8, clocks-32, detect-ordered,
    /// detect-concurrent, detect-resolve, detect-render, apply-0, apply-1, apply-100, growth-100k, growth-1M, growth-10M, causality-riak,
    /// causality-50-at-once, causality-500-at-once, causality-gossip, causality-hub
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    rows: Vec<String>,

    /// What to measure; everything unless named
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    peers: Vec<Peer>,

    /// Where the stores are made and removed; must be on a real disk for the durable rows to mean anything [default: beside the program]
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,

    /// Also a log of 10,000,000 entries, which takes 3.2 GB of disk while it is measured
    #[arg(long)]
    pub(crate) growth: bool,

    /// Less of everything, in under a minute: shows that it works, not how fast anything is
    #[arg(long)]
    pub(crate) quick: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes one measurement: how the program calls itself.
    #[command(hide = true)]
    Measure { job: String },
    /// Measures what compressing sealed segments saves and costs, with this codec and with others
    Compression {
        /// Entries of each set
        #[arg(long, default_value = "500000")]
        entries: u64,
        /// A trace of transactions to compress as well, gzipped lines of JSON as the demo replays them
        #[arg(long)]
        trace: Option<PathBuf>,
    },
}

fn seconds(text: &str) -> Result<Duration> {
    let seconds: f64 = text.parse().context("not a number of seconds")?;
    let duration = Duration::try_from_secs_f64(seconds).context("not a number of seconds")?;
    ensure!(!duration.is_zero(), "no time to measure in");
    Ok(duration)
}

impl Options {
    pub(crate) fn entries(&self) -> u64 {
        self.entries.unwrap_or(if self.quick { 100_000 } else { 1_000_000 })
    }

    pub(crate) fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 2 } else { 3 })
    }

    pub(crate) fn seconds(&self) -> Duration {
        self.seconds.unwrap_or(Duration::from_millis(if self.quick { 250 } else { 1500 }))
    }

    pub(crate) fn cap(&self) -> Duration {
        self.cap.unwrap_or(Duration::from_secs(if self.quick { 3 } else { 20 }))
    }

    pub(crate) fn directory(&self) -> Result<PathBuf> {
        match &self.directory {
            Some(directory) => Ok(directory.clone()),
            None => {
                let program = std::env::current_exe()?;
                Ok(program.parent().context("the program is in no directory")?.to_path_buf())
            }
        }
    }

    /// The stages that are to be gone through, and what is left out of what was asked for.
    pub(crate) fn plan(&self) -> Result<(Vec<Planned>, Vec<String>)> {
        let names: Vec<String> =
            Stage::ALL.into_iter().flat_map(Stage::tables).map(|table| table.name).collect();
        if let Some(unknown) = self.rows.iter().find(|row| !names.iter().any(|name| name.starts_with(*row))) {
            bail!("there is no row {unknown:?}; there are {}", names.join(", "));
        }
        let (mut plan, mut left_out) = (Vec::new(), Vec::new());
        for stage in Stage::ALL {
            let mut peers = stage.peers().to_vec();
            peers.retain(|peer| self.peers.is_empty() || self.peers.contains(peer));
            let mut tables = stage.tables();
            let means = |row: &String, table: &Table| {
                // A whole name means that table only, not those whose names go on.
                *row == table.name || !names.contains(row) && table.name.starts_with(row)
            };
            let wanted = |table: &Table| self.rows.iter().any(|row| means(row, table));
            tables.retain(|table| self.rows.is_empty() || wanted(table));
            if peers.is_empty() || tables.is_empty() {
                continue;
            }
            match stage.left_out(self.quick, self.growth) {
                None => plan.push(Planned { stage, peers, tables }),
                Some(why) => {
                    left_out.extend(tables.iter().map(|table| format!("{} is left out: {why}", table.name)));
                }
            }
        }
        if plan.is_empty() {
            ensure!(!left_out.is_empty(), "none of these peers takes part in these rows");
            bail!("{}", left_out.join("; "));
        }
        Ok((plan, left_out))
    }
}

/// A stage with what takes part in it and the tables to print of it.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) stage: Stage,
    pub(crate) peers: Vec<Peer>,
    pub(crate) tables: Vec<Table>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_table() {
        let help = <Options as clap::CommandFactory>::command().render_long_help().to_string();
        for table in Stage::ALL.into_iter().flat_map(Stage::tables) {
            assert!(help.contains(&table.name), "{}", table.name);
        }
    }

    #[test]
    fn rows_are_chosen_by_their_beginning() {
        let plan = |arguments: [&str; 4]| {
            let program = std::iter::once("bench");
            Options::parse_from(program.chain(arguments)).plan()
        };
        let (chosen, left_out) =
            plan(["--rows", "scan,append-os-1,clocks-8,growth", "--peers", "causelog,lmdb"]).unwrap();
        let names: Vec<&str> =
            chosen.iter().flat_map(|planned| &planned.tables).map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["append-os-1", "scan-1", "scan-100", "clocks-8", "growth-100k", "growth-1M"]);
        assert_eq!(left_out, ["growth-10M is left out: --growth measures it"]);
        assert_eq!(chosen[2].peers, [Peer::Causelog]);
        let only = plan(["--rows", "growth-10M", "--peers", "causelog"]).unwrap_err();
        assert!(only.to_string().contains("--growth"), "{only}");
        assert!(plan(["--rows", "scam", "--peers", "causelog"]).is_err());
        assert!(plan(["--rows", "clocks", "--peers", "lmdb"]).is_err());
    }
}
