//! Measures causelog beside the bare system calls and beside other logs; see the README.

mod applying;
mod compression;
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
use crate::plan::LARGEST;
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
        // Who is to hear of it is the one who started this process: nobody measures on when it is gone.
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        let job: Job = serde_json::from_str(job)?;
        println!("{}", serde_json::to_string(&job.run()?)?);
        return Ok(ExitCode::SUCCESS);
    }

    if let Some(Command::Compression { entries, trace }) = &options.command {
        let place = Place::new(&options.directory()?)?;
        compression::run(place.path(), *entries, trace.as_deref())?;
        return Ok(ExitCode::SUCCESS);
    }

    let (plan, left_out) = options.plan()?;
    let place = Place::new(&options.directory()?)?;
    if plan.iter().any(|planned| planned.stage == LARGEST) {
        eprintln!("{}", report::space(&place)?);
    }
    println!("{}", report::heading(options, &place));
    left_out.iter().for_each(|line| println!("{line}"));
    let mut failed = false;
    for family in plan
        .chunk_by(|one, next| one.stage.family().is_some_and(|_| one.stage.family() == next.stage.family()))
    {
        let mut rows = Vec::new();
        for planned in family {
            let measured = run::stage(planned, options, &place);
            failed |= measured.iter().any(|measured| measured.failure.is_some());
            match planned.stage.family() {
                Some(_) => rows.extend(planned.tables.iter().zip(measured)),
                None => planned
                    .tables
                    .iter()
                    .for_each(|table| println!("{}", report::table(table, &measured, options))),
            }
        }
        if let Some(title) = family.first().and_then(|planned| planned.stage.family()) {
            println!("{}", report::family(title, &rows, options));
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
