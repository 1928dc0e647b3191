//! Transactions that come from elsewhere.

use causelog::storage::MemoryStorage;
use causelog::{ChangeLog, Dot, ErrorCode, Transaction};

use super::input::Input;
use super::logs::{consistent, entries, exchange, files, goes_on, open, transactions};

/// A log takes any transaction as it is or refuses it and stays as it was, and after a restart
/// holds the same.
pub fn append_remote(data: &[u8]) {
    let mut input = Input(data);
    let storage = MemoryStorage::new();
    let log = open(&storage).unwrap();
    for _ in 0..12 {
        if input.is_empty() {
            break;
        }
        let transaction = match input.below(8) {
            0 => {
                let mut changes = input.changes();
                changes.retain(|change| change.validate().is_ok());
                log.append_transaction(changes).unwrap();
                continue;
            }
            // One that was there before, or nearly.
            1 => {
                let mut known = transactions(&log);
                if known.is_empty() {
                    continue;
                }
                let mut again = known.swap_remove(input.below(known.len()));
                change_a_little(&mut input, &mut again);
                again
            }
            kind => transaction(&mut input, &log, kind > 3),
        };
        take_in(&storage, &log, &transaction);
    }
    let (all, found) = consistent(&log);
    exchange(&log, &found);
    drop(log);
    let again = open(&storage).unwrap();
    assert_eq!(consistent(&again), (all.clone(), found));
    goes_on(&storage, again, all);
}

/// Any transaction, or one whose sequence and dependencies are likely to fit.
fn transaction(input: &mut Input<'_>, log: &ChangeLog, fitting: bool) -> Transaction {
    let node = input.node();
    let changes = input.changes();
    let timestamp = input.timestamp();
    let (sequence, dependencies) = if fitting {
        let known = log.frontier().unwrap().get(node);
        let held = transactions(log);
        let dots = held.iter().map(Transaction::dot).filter(|_| input.flag());
        let own = (known > 0).then(|| Dot::new(node, known));
        (known + changes.len().max(1) as u64, dots.chain(own).collect())
    } else {
        (input.number(), (0..input.below(5)).map(|_| input.dot()).collect())
    };
    Transaction { node, sequence, dependencies, timestamp, changes }
}

fn change_a_little(input: &mut Input<'_>, transaction: &mut Transaction) {
    match input.below(8) {
        0 => transaction.timestamp = input.timestamp(),
        1 => transaction.sequence = input.number(),
        2 => transaction.changes.push(input.change()),
        3 => drop(transaction.changes.pop()),
        4 => transaction.dependencies.push(input.dot()),
        5 => drop(transaction.dependencies.pop()),
        _ => {}
    }
}

fn take_in(storage: &MemoryStorage, log: &ChangeLog, transaction: &Transaction) {
    let (before, held) = (files(storage), transactions(log));
    match log.append_remote(transaction) {
        Ok(appended) if appended.duplicate => {
            assert_eq!(files(storage), before, "a duplicate was written");
            let mut known = held.iter().filter(|known| known.dot() == transaction.dot());
            let known = known.next().unwrap();
            assert_eq!((&known.changes, known.timestamp), (&transaction.changes, transaction.timestamp));
        }
        Ok(appended) => {
            assert_eq!(appended.transaction, transaction.dot());
            let mut all = transactions(log);
            let stored = all.pop().unwrap();
            assert_eq!(all, held);
            assert_eq!((&stored.changes, stored.timestamp), (&transaction.changes, transaction.timestamp));
            assert!(stored.dependencies.iter().all(|dot| transaction.dependencies.contains(dot)));
            let clock = log.vector_clock(transaction.dot()).unwrap();
            assert!(transaction.dependencies.iter().all(|dot| clock.covers(*dot)));
            let last = entries(log).last().map(|entry| entry.lsn);
            assert!(appended.last_lsn.is_none_or(|lsn| Some(lsn) == last));
        }
        Err(error) => {
            assert!(
                matches!(
                    error.code(),
                    ErrorCode::InvalidArgument
                        | ErrorCode::MissingDependency
                        | ErrorCode::DotReuse
                        | ErrorCode::ClockSkew
                        | ErrorCode::TooLarge
                ),
                "{}: {error}",
                error.code()
            );
            assert_eq!(files(storage), before, "a refused transaction was written");
        }
    }
}
