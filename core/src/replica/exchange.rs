use std::collections::BTreeSet;

use crate::error::{Error, ErrorCode, Result};
use crate::replica::applying::SkippedTransaction;
use crate::replica::handle::Replica;

/// What an exchange did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SyncReport {
    /// Transactions that the first replica got from the second.
    pub received: u64,
    /// Transactions that the second replica got from the first.
    pub sent: u64,
    /// Transactions that the first could not take in.
    pub skipped: Vec<SkippedTransaction>,
    /// Transactions that the second could not take in.
    pub refused: Vec<SkippedTransaction>,
}

/// Exchanges what two replicas lack: each gets what its frontier does not cover of the other's log, in that log's order.
///
/// A transaction that cannot be taken in is reported and left out with all that follow on it; the rest goes
/// on. It stays where it is and comes again with the next exchange. Each transaction that was taken in is there as a whole, also when an
/// error ends the exchange.
///
/// ```
/// use causelog::{Replica, ReplicaOptions, sync};
/// let (a, b) = (Replica::in_memory(ReplicaOptions::default())?, Replica::in_memory(ReplicaOptions::default())?);
/// a.insert("orders", 1, "from a")?;
/// b.insert("orders", 2, "from b")?;
/// let report = sync(&a, &b)?;
/// assert_eq!((report.received, report.sent), (1, 1));
/// assert_eq!(a.rows("orders")?, b.rows("orders")?);
/// assert_eq!(sync(&a, &b)?.received, 0);
/// # Ok::<(), causelog::Error>(())
/// ```
///
/// # Errors
/// Whatever keeps a log from being read or written: `IO`, `NO_SPACE`, `CORRUPT`, `CLOSED`; `TRUNCATED` when one lacks what
/// the other has removed.
pub fn sync(a: &Replica, b: &Replica) -> Result<SyncReport> {
    let (sent, refused) = send(a, b)?;
    let (received, skipped) = send(b, a)?;
    Ok(SyncReport { received, sent, skipped, refused })
}

/// Gives `to` what it lacks of `from`.
fn send(from: &Replica, to: &Replica) -> Result<(u64, Vec<SkippedTransaction>)> {
    let (mut sent, mut last, mut skipped) = (0, 0, Vec::new());
    let mut left_out = BTreeSet::new();
    for transaction in from.log().transactions(&to.log().frontier()?)? {
        let transaction = transaction?;
        match to.apply_later(&transaction) {
            Ok(appended) => {
                sent += u64::from(!appended.duplicate);
                last = appended.last_lsn.unwrap_or(last).max(last);
            }
            Err(error) => match error.code() {
                code @ (ErrorCode::ClockSkew
                | ErrorCode::DotReuse
                | ErrorCode::MissingDependency
                | ErrorCode::InvalidArgument
                | ErrorCode::TooLarge) => {
                    // Only for the sake of another one that is left out may something be missing.
                    let follows = transaction.dependencies.iter().any(|dot| left_out.contains(dot));
                    if code == ErrorCode::MissingDependency && !follows {
                        return Err(error);
                    }
                    left_out.insert(transaction.dot());
                    skipped.push(SkippedTransaction {
                        transaction: transaction.dot(),
                        code,
                        message: error.message().to_owned(),
                    });
                }
                _ => return Err(error),
            },
        }
    }
    to.finish(&mut *to.lock_to_write()?)?;
    if to.log().shown_lsn() < last {
        let message = format!("{}: what was taken in could not be written", to.log().place());
        return Err(Error::new(ErrorCode::Io, message));
    }
    Ok((sent, skipped))
}
