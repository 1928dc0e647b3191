//! `generate-trace --out FILE [--expected FILE] [--seed N] [--transactions N] [--nodes N]`: the demo's own trace.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use causelog_demo::expected;
use causelog_demo::failure::Failure;
use causelog_demo::generator::{GeneratedTrace, Settings};
use clap::Parser;

/// Writes a made-up trace with every shape of conflict in it; the same settings give the same trace.
#[derive(Parser)]
#[command(name = "generate-trace")]
struct Arguments {
    /// Where the pseudo-random numbers start
    #[arg(long, value_name = "N", default_value_t = Settings::default().seed)]
    seed: u64,
    /// How many transactions
    #[arg(long, value_name = "N", default_value_t = Settings::default().transactions as u32,
        value_parser = clap::value_parser!(u32).range(1..))]
    transactions: u32,
    /// How many nodes
    #[arg(long, value_name = "N", default_value_t = Settings::default().nodes as u32,
        value_parser = clap::value_parser!(u32).range(1..=1000))]
    nodes: u32,
    /// Where to write the trace
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to write the numbers that a replay of it must come to, as JSON
    #[arg(long, value_name = "FILE")]
    expected: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("generate-trace: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let trace = GeneratedTrace::generate(Settings {
        seed: arguments.seed,
        transactions: arguments.transactions as usize,
        nodes: arguments.nodes as usize,
    });
    write(&trace, &arguments.out).map_err(Failure::file(&arguments.out))?;
    if let Some(path) = &arguments.expected {
        fs::write(path, expected::summary(&trace).to_json() + "\n").map_err(Failure::file(path))?;
    }
    Ok(())
}

fn write(trace: &GeneratedTrace, path: &Path) -> io::Result<()> {
    trace.write(&mut BufWriter::new(File::create(path)?))
}
