//! `replay TRACE --log DIR --reports FILE --summary FILE`: the demo's job by the Rust surface.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use causelog::{ChangeLog, ConflictReport};
use causelog_demo::failure::Failure;
use causelog_demo::trace::TraceReader;
use causelog_demo::{job, summary};
use clap::Parser;

/// Records a trace of transactions in a log, compares every two changes of every row, and reports the conflicts.
#[derive(Parser)]
#[command(name = "replay")]
struct Arguments {
    /// The trace: JSON Lines, compressed with gzip if the name ends in .gz
    trace: PathBuf,
    /// Directory of the log, made if it is not there
    #[arg(long, value_name = "DIR")]
    log: PathBuf,
    /// Where to write the conflict reports, as JSON Lines
    #[arg(long, value_name = "FILE")]
    reports: PathBuf,
    /// Where to write the numbers, as JSON
    #[arg(long, value_name = "FILE")]
    summary: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("replay: {failure}");
            ExitCode::FAILURE
        }
    }
}

// The demo times itself for the one who looks on; nothing is decided by it.
#[allow(clippy::disallowed_methods)]
fn run(arguments: &Arguments) -> Result<(), Failure> {
    let start = std::time::Instant::now();
    let trace = TraceReader::open(&arguments.trace)?;
    let place = arguments.log.display();
    let log = ChangeLog::open_with(&arguments.log, job::log_options())
        .map_err(|error| Failure::at(&place, error))?;
    let outcome = job::run(trace, &log, &place)?;
    log.close().map_err(|error| Failure::at(&place, error))?;

    write_reports(&outcome.reports, &arguments.reports).map_err(Failure::file(&arguments.reports))?;
    fs::write(&arguments.summary, outcome.summary.to_json() + "\n")
        .map_err(Failure::file(&arguments.summary))?;
    let (trace, reports) = (arguments.trace.display(), arguments.reports.display());
    summary::print(&outcome, trace, reports, start.elapsed(), &mut io::stdout().lock())
        .map_err(|error| Failure::io("standard output", error))
}

fn write_reports(reports: &[ConflictReport], path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for report in reports {
        writeln!(file, "{}", report.to_json())?;
    }
    file.flush()
}
