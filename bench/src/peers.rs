//! The stores that are measured, all behind the same few calls.

mod bare;
pub(crate) mod causelog;
mod commitlog;
mod lmdb;
mod queue;
mod raft_engine;
mod sqlite;

use std::path::Path;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::workload::{Digest, Entry, Row};

/// What is measured: the library, the bare system calls, and others that keep a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
pub(crate) enum Peer {
    Bare,
    BareGrowing,
    Causelog,
    CauselogMap,
    CauselogReplica,
    RaftEngine,
    Commitlog,
    Lmdb,
    Sqlite,
}

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::Bare => "bare",
            Peer::BareGrowing => "bare-growing",
            Peer::Causelog => "causelog",
            Peer::CauselogMap => "causelog-map",
            Peer::CauselogReplica => "causelog-replica",
            Peer::RaftEngine => "raft-engine",
            Peer::Commitlog => "commitlog",
            Peer::Lmdb => "lmdb",
            Peer::Sqlite => "sqlite",
        }
    }

    /// The package that it is used through.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Peer::Bare | Peer::BareGrowing => "crc32c",
            Peer::Causelog | Peer::CauselogMap | Peer::CauselogReplica => "causelog",
            Peer::RaftEngine => "raft-engine",
            Peer::Commitlog => "commitlog",
            Peer::Lmdb => "heed",
            Peer::Sqlite => "rusqlite",
        }
    }

    /// Whether it lets one thread write at a time and has no group commit of its own.
    /// With several threads its users put a queue before it, and so does the benchmark.
    pub(crate) fn wants_queue(self) -> bool {
        matches!(self, Peer::Lmdb | Peer::Sqlite)
    }
}

/// What an append has done when it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Durability {
    /// Kept it in the memory of the process: there are no files.
    Memory,
    /// Handed it to the operating system.
    Os,
    /// Brought it to the disk.
    Sync,
}

/// A log of entries in a directory.
pub(crate) trait Store: Send + Sync {
    /// What the thread with this number appends through.
    fn writer(&self, thread: usize) -> Result<Box<dyn Writer + '_>>;

    /// Reads all entries in order, with whatever checksums the store keeps.
    fn scan(&self) -> Result<Digest>;

    /// Copies out all entries but the first `skipped`, then looks at them.
    fn tail(&self, skipped: u64) -> Result<Digest>;

    /// Bytes of memory that finding the entries of a row takes, in files and out of them, where it is told apart. `row` is one of its rows.
    fn row_index(&self, _row: &Row) -> Result<Option<RowIndex>> {
        Ok(None)
    }

    /// Ends it as its users would, so that the next opening finds everything in order.
    fn close(self: Box<Self>) -> Result<()>;
}

/// Bytes of memory that finding the entries of a row takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowIndex {
    /// Taken while entries were appended.
    pub(crate) taken: f64,
    /// Taken only when somebody looked for a row.
    pub(crate) more: f64,
}

pub(crate) trait Writer {
    /// Appends the entries together, as durable as the store was opened for.
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<()>;
}

/// Opens the store of `peer` in `directory`, or makes it there.
pub(crate) fn open(
    peer: Peer,
    directory: &Path,
    durability: Durability,
    threads: usize,
) -> Result<Box<dyn Store>> {
    let store: Box<dyn Store> = match (peer, durability) {
        (Peer::Bare, Durability::Memory) => Box::new(bare::Memory),
        (Peer::Bare, _) => Box::new(bare::Bare::open(directory, durability, bare::Space::Prepared)?),
        (Peer::BareGrowing, _) => Box::new(bare::Bare::open(directory, durability, bare::Space::Growing)?),
        (Peer::Causelog, _) => Box::new(causelog::Causelog::open(directory, durability, false)?),
        (Peer::CauselogMap, _) => Box::new(causelog::Causelog::open(directory, durability, true)?),
        (Peer::CauselogReplica, _) => Box::new(causelog::Causelog::open_replica(directory, durability)?),
        (Peer::RaftEngine, Durability::Os | Durability::Sync) => {
            Box::new(raft_engine::RaftEngine::open(directory, durability)?)
        }
        (Peer::Commitlog, Durability::Os) => Box::new(commitlog::Commitlog::open(directory)?),
        (Peer::Lmdb, Durability::Os | Durability::Sync) => Box::new(lmdb::Lmdb::open(directory, durability)?),
        (Peer::Sqlite, Durability::Os | Durability::Sync) => {
            Box::new(sqlite::Sqlite::open(directory, durability)?)
        }
        (Peer::RaftEngine | Peer::Commitlog | Peer::Lmdb | Peer::Sqlite, _) => {
            bail!("{} has no mode {durability:?}", peer.name())
        }
    };
    if threads > 1 && peer.wants_queue() { Ok(Box::new(queue::Queue::start(store)?)) } else { Ok(store) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Workload;

    const ALL: [Peer; 9] = [
        Peer::Bare,
        Peer::BareGrowing,
        Peer::Causelog,
        Peer::CauselogMap,
        Peer::CauselogReplica,
        Peer::RaftEngine,
        Peer::Commitlog,
        Peer::Lmdb,
        Peer::Sqlite,
    ];

    /// A directory of the test's own, gone with it.
    struct Scratch(std::path::PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("causelog-bench-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn every_store_gives_back_what_it_was_given() {
        let workload = Workload::new();
        for (peer, durability) in
            ALL.into_iter().flat_map(|peer| [Durability::Os, Durability::Sync].map(|d| (peer, d)))
        {
            if (peer, durability) == (Peer::Commitlog, Durability::Sync) {
                continue;
            }
            let directory = Scratch::new(&format!("{}-{durability:?}", peer.name()));
            let store = open(peer, &directory.0, durability, 1).unwrap();
            let mut batch = Vec::new();
            let mut writer = store.writer(0).unwrap();
            for first in [0, 1, 2] {
                workload.fill(&mut batch, first..first + 1);
                writer.append(&batch).unwrap();
            }
            workload.fill(&mut batch, 3..2103);
            for entries in batch.chunks(100) {
                writer.append(entries).unwrap();
            }
            drop(writer);
            store.close().unwrap();

            let store = open(peer, &directory.0, durability, 1).unwrap();
            assert_eq!(store.scan().unwrap(), workload.digest(0..2103), "{peer:?} {durability:?}");
            assert_eq!(store.tail(1103).unwrap(), workload.digest(1103..2103), "{peer:?} {durability:?}");
            store.close().unwrap();
        }
    }

    #[test]
    fn threads_lose_nothing() {
        let workload = Workload::new();
        let causelogs = [Peer::Causelog, Peer::CauselogReplica];
        for peer in causelogs.into_iter().chain([Peer::Bare, Peer::BareGrowing, Peer::Lmdb, Peer::Sqlite]) {
            let directory = Scratch::new(&format!("{}-threads", peer.name()));
            let store = open(peer, &directory.0, Durability::Sync, 8).unwrap();
            std::thread::scope(|scope| {
                for thread in 0..8 {
                    let (store, workload) = (&store, &workload);
                    scope.spawn(move || {
                        let mut writer = store.writer(thread).unwrap();
                        (0..20).for_each(|number| writer.append(&[workload.entry(number)]).unwrap());
                    });
                }
            });
            store.close().unwrap();
            let store = open(peer, &directory.0, Durability::Sync, 1).unwrap();
            assert_eq!(store.scan().unwrap().entries(), 160, "{peer:?}");
            store.close().unwrap();
        }
    }
}
