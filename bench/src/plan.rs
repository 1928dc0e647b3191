//! Which tables there are, what fills them, and what the library is to reach.

use crate::history::History;
use crate::micro::Detection;
use crate::peers::{Durability, Peer};
use crate::sample::Metric;

/// Measurements that are made together: every store, round after round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A store is written in transactions of this many entries, closed, reopened and read.
    Life {
        batch: u64,
    },
    Memory,
    Sync {
        threads: usize,
        batch: u64,
    },
    Clocks {
        nodes: usize,
    },
    Detect(Detection),
    /// A replica takes in what others write, so many in a hundred of the entries concurrent with what their row is.
    Apply {
        percent: u64,
    },
    /// A log of so many entries.
    Growth {
        entries: u64,
    },
    /// A log in which many nodes took part.
    Causality(History),
}

/// The size that is measured only when asked for, because of the room that it takes.
pub(crate) const LARGE: u64 = 10_000_000;
pub(crate) const LARGEST: Stage = Stage::Growth { entries: LARGE };

impl Stage {
    pub(crate) const ALL: [Stage; 25] = [
        Stage::Life { batch: 1 },
        Stage::Life { batch: 100 },
        Stage::Sync { threads: 1, batch: 1 },
        Stage::Sync { threads: 1, batch: 100 },
        Stage::Sync { threads: 16, batch: 1 },
        Stage::Sync { threads: 64, batch: 1 },
        Stage::Memory,
        Stage::Clocks { nodes: 3 },
        Stage::Clocks { nodes: 8 },
        Stage::Clocks { nodes: 32 },
        Stage::Detect(Detection::Ordered),
        Stage::Detect(Detection::Concurrent),
        Stage::Detect(Detection::Resolved),
        Stage::Detect(Detection::Rendered),
        Stage::Apply { percent: 0 },
        Stage::Apply { percent: 1 },
        Stage::Apply { percent: 100 },
        Stage::Growth { entries: 100_000 },
        Stage::Growth { entries: 1_000_000 },
        LARGEST,
        Stage::Causality(History::ALL[0]),
        Stage::Causality(History::ALL[1]),
        Stage::Causality(History::ALL[2]),
        Stage::Causality(History::ALL[3]),
        Stage::Causality(History::ALL[4]),
    ];

    /// Why it is left out, if it is.
    pub(crate) fn left_out(self, quick: bool, growth: bool) -> Option<String> {
        match self {
            Stage::Growth { entries: LARGE } if !growth => Some("--growth measures it".to_owned()),
            Stage::Growth { entries: 1_000_000 } if quick => Some("--quick does not measure it".to_owned()),
            Stage::Causality(history) => {
                history.lacks().map(|file| format!("there is no {}", file.display()))
            }
            _ => None,
        }
    }

    /// The title of the one table that it shares with its like: a row for each.
    pub(crate) fn family(self) -> Option<&'static str> {
        match self {
            Stage::Growth { .. } => Some("a log as it grows, 100 per transaction  [growth]"),
            Stage::Causality(_) => Some("what causality takes in a log that many nodes wrote  [causality]"),
            _ => None,
        }
    }

    /// What takes part in it.
    pub(crate) fn peers(self) -> &'static [Peer] {
        use Peer::{
            Bare, BareGrowing, Causelog, CauselogMap, CauselogReplica, Commitlog, Lmdb, RaftEngine, Sqlite,
        };
        match self {
            Stage::Life { .. } => {
                &[Bare, Causelog, CauselogMap, CauselogReplica, RaftEngine, Commitlog, Lmdb, Sqlite]
            }
            Stage::Sync { .. } => &[Bare, BareGrowing, Causelog, CauselogReplica, RaftEngine, Lmdb, Sqlite],
            Stage::Detect(Detection::Rendered) | Stage::Growth { .. } | Stage::Causality(_) => &[Causelog],
            Stage::Memory | Stage::Clocks { .. } | Stage::Detect(_) | Stage::Apply { .. } => {
                &[Bare, Causelog]
            }
        }
    }

    pub(crate) fn durability(self) -> Durability {
        match self {
            Stage::Life { .. } | Stage::Growth { .. } | Stage::Causality(_) | Stage::Apply { .. } => {
                Durability::Os
            }
            Stage::Sync { .. } => Durability::Sync,
            Stage::Memory | Stage::Clocks { .. } | Stage::Detect(_) => Durability::Memory,
        }
    }

    /// The tables that its measurements fill.
    pub(crate) fn tables(self) -> Vec<Table> {
        use Metric::*;
        let table = |name: String, title: String, columns: &[Metric], goals: &[Goal]| Table {
            name,
            title,
            columns: columns.to_vec(),
            goals: goals.to_vec(),
            elsewhere: None,
        };
        match self {
            Stage::Life { batch } => {
                let written = format!("written {}", per_transaction(batch));
                let single = batch == 1;
                let append_goals = if single {
                    [Goal::Times(0.8, Peer::Bare), Goal::Times(1.5, Peer::RaftEngine)]
                } else {
                    [Goal::Reach(AppendRate, 3.5e6), Goal::Times(1.25, Peer::RaftEngine)]
                };
                vec![
                    table(
                        format!("append-os-{batch}"),
                        format!("append, handed to the OS, 1 thread, {}", per_transaction(batch)),
                        &[AppendRate, AppendCpu, CloseTime, DiskBytes, AppendMemory],
                        &append_goals,
                    ),
                    table(
                        format!("scan-{batch}"),
                        format!("scan all entries, checksums on, {written}"),
                        &[ScanRate, ReadMemory],
                        &[Goal::Reach(ScanRate, 10e6)],
                    ),
                    table(
                        format!("tail-{batch}"),
                        format!("last 1000 entries of a reopened log, {written}"),
                        &[TailTime],
                        &[Goal::Reach(TailTime, 100.0)],
                    ),
                    table(
                        format!("reopen-{batch}"),
                        format!("reopen after a clean close, {written}"),
                        &[ReopenTime],
                        &[Goal::Reach(ReopenTime, 5.0)],
                    ),
                    table(
                        format!("disk-{batch}"),
                        format!("disk space, {written}"),
                        &[DiskBytes],
                        &[Goal::Reach(DiskBytes, 300.0)],
                    ),
                ]
            }
            Stage::Memory => vec![table(
                "memory".to_owned(),
                "memory of a log that has no directory, 100 per transaction".to_owned(),
                &[EntryMemory, RowIndexMemory, AppendRate],
                &[Goal::Reach(EntryMemory, 310.0), Goal::Reach(RowIndexMemory, 40.0)],
            )],
            Stage::Sync { threads, batch } => {
                let (name, goals) = match (threads, batch) {
                    (1, 1) => ("append-sync-1".to_owned(), vec![Goal::Times(0.95, Peer::Bare)]),
                    (1, _) => (format!("append-sync-{batch}"), vec![Goal::Times(1.7, Peer::RaftEngine)]),
                    (16, _) => (
                        "append-sync-16-threads".to_owned(),
                        vec![Goal::Reach(AppendRate, 57e3), Goal::Reach(Latency99, 600.0)],
                    ),
                    _ => (
                        format!("append-sync-{threads}-threads"),
                        vec![Goal::Reach(AppendRate, 125e3), Goal::Reach(Latency99, 1000.0)],
                    ),
                };
                let plural = if threads == 1 { "" } else { "s" };
                let title = format!("append, durable, {threads} thread{plural}, {}", per_transaction(batch));
                let columns =
                    [AppendRate, Latency50, Latency99, LatencyWorst, AppendCpu, DiskBytes, AppendMemory];
                vec![table(name, title, &columns, &goals)]
            }
            Stage::Clocks { nodes } => {
                let most = match nodes {
                    3 => 5.0,
                    8 => 12.0,
                    _ => 35.0,
                };
                vec![table(
                    format!("clocks-{nodes}"),
                    format!("compare two clocks of {nodes} nodes"),
                    &[CallTime],
                    &[Goal::Reach(CallTime, most)],
                )]
            }
            Stage::Growth { entries } => {
                let columns = [
                    AppendRate,
                    ReopenTime,
                    RecoverTime,
                    ScanRate,
                    TailTime,
                    HistoryTime,
                    VerifyTime,
                    DiskBytes,
                    AppendMemory,
                    RecoverMemory,
                    ReadMemory,
                ];
                let goals = [
                    Goal::Reach(ReopenTime, 5.0),
                    Goal::Reach(ScanRate, 10e6),
                    Goal::Reach(TailTime, 100.0),
                    Goal::Reach(VerifyTime, 80.0),
                    Goal::Reach(DiskBytes, 300.0),
                ];
                let name = match entries {
                    100_000 => "growth-100k",
                    1_000_000 => "growth-1M",
                    _ => "growth-10M",
                };
                vec![table(name.to_owned(), name.to_owned(), &columns, &goals)]
            }
            Stage::Causality(history) => {
                let columns =
                    [CausalityBytes, DerivedBytes, NodeBytes, Dependencies, TransactionRate, ClockMemory];
                let goals = [Goal::Reach(CausalityBytes, 8.0), Goal::Reach(ClockMemory, 50.0)];
                vec![table(history.name(), history.name(), &columns, &goals)]
            }
            Stage::Apply { percent } => {
                let title = format!(
                    "a replica takes in remote entries, {percent} % of them in conflict; bare: the log records them"
                );
                let columns = [AppendRate, Appended, RowMemory, Contested, Settled];
                vec![table(format!("apply-{percent}"), title, &columns, &[])]
            }
            Stage::Detect(detection) => {
                let (name, title, most, elsewhere) = match detection {
                    Detection::Ordered => {
                        let title = "detect: two entries in order, no conflict";
                        ("detect-ordered", title, Some(20.0), Some("85 ns"))
                    }
                    Detection::Concurrent => {
                        let title = "detect: two concurrent entries, by a clock that stands still";
                        ("detect-concurrent", title, Some(20.0), Some("700 to 722 ns"))
                    }
                    Detection::Resolved => {
                        let title = "detect, resolve and report, by the system's clock";
                        ("detect-resolve", title, Some(300.0), Some("1,895 to 2,220 ns"))
                    }
                    Detection::Rendered => {
                        let title = "detect, resolve and report, with the text rendered";
                        ("detect-render", title, None, None)
                    }
                };
                let goals: Vec<Goal> = most.map(|most| Goal::Reach(CallTime, most)).into_iter().collect();
                let table = table(name.to_owned(), title.to_owned(), &[CallTime], &goals);
                vec![Table { elsewhere, ..table }]
            }
        }
    }
}

fn per_transaction(batch: u64) -> String {
    if batch == 1 { "1 change per transaction".to_owned() } else { format!("{batch} per transaction") }
}

/// One table of the output.
#[derive(Debug)]
pub(crate) struct Table {
    /// What `--rows` calls it.
    pub(crate) name: String,
    pub(crate) title: String,
    /// The first is what the table is about: it is shown with its best and its ratio to the baseline.
    pub(crate) columns: Vec<Metric>,
    pub(crate) goals: Vec<Goal>,
    /// What heliosdb-nano 4.41.1 takes for the same; see the README.
    pub(crate) elsewhere: Option<&'static str>,
}

impl Table {
    /// Whether a store has to be read for it.
    pub(crate) fn needs_reading(&self) -> bool {
        let read = [Metric::ReopenTime, Metric::TailTime, Metric::ScanRate, Metric::ReadMemory];
        self.columns.iter().any(|column| read.contains(column))
    }
}

/// What the library is to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// So many times the rate of a peer.
    Times(f64, Peer),
    /// A rate to reach at least, or else a cost to stay at most at. These were set for the machine
    /// that the README names.
    Reach(Metric, f64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_names_of_their_own_and_a_column() {
        let tables: Vec<Table> = Stage::ALL.into_iter().flat_map(Stage::tables).collect();
        let names: std::collections::BTreeSet<&str> =
            tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names.len(), tables.len());
        assert!(tables.iter().all(|table| !table.columns.is_empty()));
    }
}
