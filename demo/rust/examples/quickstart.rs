//! Two logs exchange what they have, and a conflict is found and decided.

use causelog::{Change, ChangeLog, ConflictDetector, ConflictResolution, QueryOptions, Result};

fn main() -> Result<()> {
    let directory = std::env::temp_dir().join("causelog-quickstart-rust");
    std::fs::remove_dir_all(&directory).ok();
    let shop = ChangeLog::open(directory.join("shop"))?;
    let office = ChangeLog::open(directory.join("office"))?;

    // The shop records an order, and the office takes in what it lacks.
    shop.append(Change::insert("orders", 42, r#"{"qty":1}"#))?;
    for transaction in shop.transactions(&office.frontier()?)? {
        office.append_remote(&transaction?)?;
    }

    // Both change the order without having heard of each other.
    shop.append(Change::update("orders", 42, r#"{"qty":1}"#, r#"{"qty":2}"#))?;
    office.append(Change::update("orders", 42, r#"{"qty":1}"#, r#"{"qty":9}"#))?;
    for transaction in shop.transactions(&office.frontier()?)? {
        office.append_remote(&transaction?)?;
    }

    // The office reads the row's history, sees that the two are concurrent, and lets the later one win.
    let history = office.query(QueryOptions::row("orders", 42))?.collect::<Result<Vec<_>>>()?;
    for entry in &history {
        println!("{} {} {}", entry.lsn, entry.operation, entry.vector_clock);
    }
    if let [_, ours, theirs] = history.as_slice() {
        println!("{}", ours.vector_clock.compare(&theirs.vector_clock)); // concurrent
        let detector = ConflictDetector::new(ConflictResolution::LastWriteWins);
        if let Some(conflict) = detector.detect(ours, theirs)? {
            println!("{}", detector.report(&conflict)?);
        }
    }
    Ok(())
}
