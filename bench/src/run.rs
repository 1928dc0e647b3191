//! Goes through the stages: starts a process for each measurement and collects what it found.

use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::measure::{Job, Task};
use crate::options::{Options, Planned};
use crate::peers::Peer;
use crate::plan::{Stage, Table};
use crate::sample::{Metric, Sample};

/// What the rounds of one stage found about one store.
pub(crate) struct Measured {
    pub(crate) peer: Peer,
    pub(crate) samples: Vec<Sample>,
    /// Why it has no samples, or not all.
    pub(crate) failure: Option<String>,
}

/// Makes every measurement of a stage.
pub(crate) fn stage(planned: &Planned, options: &Options, place: &Place) -> Vec<Measured> {
    let Planned { stage, peers, tables } = planned;
    let reading = tables.iter().any(Table::needs_reading);
    let measured = peers.iter().map(|&peer| Measured { peer, samples: Vec::new(), failure: None });
    let mut measured: Vec<Measured> = measured.collect();
    for round in 0..options.rounds() as usize {
        // Nobody comes first every time.
        let turns = (0..measured.len()).map(|turn| (turn + round) % peers.len());
        for turn in turns.collect::<Vec<_>>() {
            let of = &mut measured[turn];
            progress(&format!("{stage:?}: round {} of {}, {}", round + 1, options.rounds(), of.peer.name()));
            if of.failure.is_none() {
                match place.empty().and_then(|directory| one(*stage, of.peer, reading, options, &directory)) {
                    Ok(sample) => of.samples.push(sample),
                    Err(error) => of.failure = Some(format!("{error:#}")),
                }
            }
        }
    }
    progress("");
    measured
}

/// Shows what is being done to whoever watches, on a line that the next one overwrites.
fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}

fn one(stage: Stage, peer: Peer, reading: bool, options: &Options, directory: &Path) -> Result<Sample> {
    let job = |task| Job { peer, task, directory: directory.to_path_buf() };
    let (durability, entries, cap) = (stage.durability(), options.entries(), options.cap());
    match stage {
        Stage::Life { batch } => {
            let mut sample = spawn(&job(Task::Append { durability, entries, batch, cap, close: true }))?;
            if reading {
                let appended = sample.get(&Metric::Appended).copied().unwrap_or_default();
                sample.extend(spawn(&job(Task::Read { entries: appended as u64 }))?);
            }
            Ok(sample)
        }
        Stage::Memory => spawn(&job(Task::Append { durability, entries, batch: 100, cap, close: true })),
        Stage::Growth { entries } => {
            // As much time for each entry as elsewhere, for all of them are needed.
            let cap = cap * u32::try_from(entries.div_ceil(options.entries()))?;
            let append = Task::Append { durability, entries, batch: 100, cap, close: false };
            let mut sample = spawn(&job(append))?;
            if sample.remove(&Metric::Appended) != Some(entries as f64) {
                bail!("stopped after {cap:?}");
            }
            sample.extend(spawn(&job(Task::Recover))?);
            sample.extend(spawn(&job(Task::Look { entries }))?);
            Ok(sample)
        }
        Stage::Causality(history) => spawn(&job(Task::History { history, cap })),
        Stage::Sync { threads, batch } => spawn(&job(Task::Sync { threads, batch, time: options.seconds() })),
        Stage::Clocks { nodes } => spawn(&job(Task::Clocks { nodes })),
        Stage::Apply { percent } => spawn(&job(Task::Apply { percent, cap })),
        Stage::Detect(detection) => spawn(&job(Task::Detect(detection))),
    }
}

/// Has a process of its own do the job.
fn spawn(job: &Job) -> Result<Sample> {
    let program = std::env::current_exe()?;
    let output = Command::new(program).arg("measure").arg(serde_json::to_string(job)?).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        bail!("{}: {said}", output.status);
    }
    serde_json::from_slice(&output.stdout)
        .context("the measuring process said something else than its figures")
}

/// How the directories begin in which stores are made.
const PLACE: &str = "causelog-bench-";
/// In each of them a file that is locked as long as somebody measures there.
const LOCK: &str = "lock";

/// Where the stores are made, one after the other. It goes with all that is in it.
pub(crate) struct Place {
    path: PathBuf,
    _lock: File,
}

impl Place {
    /// Makes one in this directory, and removes those of runs that were killed.
    pub(crate) fn new(directory: &Path) -> Result<Place> {
        std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        remove_abandoned(directory)?;
        let path = directory.join(format!("{PLACE}{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let lock = File::create_new(path.join(LOCK))?;
        lock.try_lock().context("somebody else took the new directory")?;
        Ok(Place { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A new directory in place of the last one.
    fn empty(&self) -> Result<PathBuf> {
        let path = self.path.join("store");
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir(&path)?;
        // What others left to be written must not be written in the time of the next.
        rustix::fs::sync();
        Ok(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes the directories that nobody measures in any more.
fn remove_abandoned(directory: &Path) -> Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with(PLACE))
            && let Ok(lock) = File::open(path.join(LOCK))
            && lock.try_lock().is_ok()
        {
            std::fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_goes_with_its_run_or_with_the_next_one() {
        let directory = std::env::temp_dir().join(format!("causelog-places-{}", std::process::id()));
        let place = Place::new(&directory).unwrap();
        assert!(place.empty().unwrap().is_dir());
        // Another run at the same time leaves it alone, and one that was killed leaves a file that nobody holds.
        let killed = directory.join(format!("{PLACE}killed"));
        std::fs::create_dir(&killed).unwrap();
        File::create_new(killed.join(LOCK)).unwrap();
        remove_abandoned(&directory).unwrap();
        assert!(place.path().is_dir() && !killed.exists());
        let path = place.path().to_owned();
        drop(place);
        assert!(!path.exists());
        std::fs::remove_dir(&directory).unwrap();
    }
}
