//! Measures causelog beside the bare system calls and beside other logs; see the README.

mod growth;
mod history;
mod measure;
mod micro;
mod options;
mod peers;
mod plan;
mod process;
mod report;
mod run;
mod sample;
mod workload;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::measure::Job;
use crate::options::{Command, Options};
use crate::run::Place;

fn main() -> ExitCode {
    run(&Options::parse()).unwrap_or_else(|error| {
        // Without a backtrace: this is what a table shows when a measurement fails.
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}

fn run(options: &Options) -> Result<ExitCode> {
    if let Some(Command::Measure { job }) = &options.command {
        let job: Job = serde_json::from_str(job)?;
        println!("{}", serde_json::to_string(&job.run()?)?);
        return Ok(ExitCode::SUCCESS);
    }

    let plan = options.plan()?;
    let place = Place::new(&options.directory()?)?;
    println!("{}", report::heading(options, &place));
    if options.growth {
        eprintln!("{}", report::space(&place)?);
    }
    let mut failed = false;
    for planned in &plan {
        let measured = run::stage(planned, options, &place);
        failed |= measured.iter().any(|measured| measured.failure.is_some());
        for table in &planned.tables {
            println!("{}", report::table(table, &measured, options));
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
