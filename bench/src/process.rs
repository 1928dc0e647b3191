//! What the operating system says about this process and this machine.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

const MIB: f64 = 1024.0 * 1024.0;

/// Processor time of all threads so far.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// The most memory that was resident at any time, files mapped into it included, in MiB.
pub(crate) fn peak_memory() -> Result<f64> {
    Ok(status("VmHWM")? / MIB)
}

/// Resident memory that is no file's, now, in bytes.
pub(crate) fn anonymous_memory() -> Result<f64> {
    status("RssAnon")
}

/// A line of `/proc/self/status` that is in KiB, in bytes.
fn status(name: &str) -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    Ok(kibibytes(&status, name)? * 1024.0)
}

fn kibibytes(table: &str, name: &str) -> Result<f64> {
    let line = table.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let value = line.and_then(|line| line.trim().strip_suffix("kB"));
    Ok(value.with_context(|| format!("the kernel does not say {name}"))?.trim().parse()?)
}

/// Bytes that the files of a directory take on the disk: holes and what is only reserved as address space do not count.
pub(crate) fn disk_usage(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { disk_usage(&entry.path())? } else { metadata.blocks() * 512 };
    }
    Ok(bytes)
}

/// Bytes that are left on the disk that holds a directory.
pub(crate) fn free_space(directory: &Path) -> Result<u64> {
    let found = rustix::fs::statvfs(directory)?;
    Ok(found.f_bavail * found.f_frsize)
}

/// The machine in one line, as far as it tells.
pub(crate) fn machine(directory: &Path) -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|table| {
        let line = table.lines().find_map(|line| line.strip_prefix("model name"))?;
        Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
    });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory =
        fs::read_to_string("/proc/meminfo").ok().and_then(|table| kibibytes(&table, "MemTotal").ok());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    let parts = [
        processor,
        Some(format!("{cores} cores")),
        memory.map(|memory| format!("{:.1} GiB", memory / MIB)),
        kernel.map(|kernel| format!("Linux {}", kernel.trim())),
        filesystem(directory),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The kind of file system that a directory is on.
pub(crate) fn filesystem(directory: &Path) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let holding = mounts.filter(|(point, _)| directory.starts_with(point));
    // Of two mounts at one place the later is the one that is seen.
    let (_, kind) = holding.max_by_key(|(point, _)| point.len())?;
    Some(kind.to_owned())
}
