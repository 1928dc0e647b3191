use std::collections::BTreeSet;

use crate::error::{ErrorCode, Result};
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
    let (mut sent, mut skipped) = (0, Vec::new());
    let lost = to.lock_to_write()?.unfinished.lost();
    let mut left_out = BTreeSet::new();
    for transaction in from.log().transactions(&to.log().frontier()?)? {
        let transaction = transaction?;
        match to.apply_later(&transaction) {
            Ok(appended) => sent += u64::from(!appended.duplicate),
            Err(error) => match error.code() {
                code @ (ErrorCode::ClockSkew
                | ErrorCode::DotReuse
                | ErrorCode::MissingDependency
                | ErrorCode::InvalidArgument
                | ErrorCode::TooLarge) => {
                    // Only for the sake of another one that is left out may something be missing.
                    let follows = transaction.dependencies.iter().any(|dot| left_out.contains(dot));
                    if code == ErrorCode::MissingDependency && !follows {
                        // It may be what got lost on its way to the disk: then that is the reason.
                        to.lock()?.unfinished.check_lost(lost)?;
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
    let mut state = to.lock_to_write()?;
    to.finish(&mut state)?;
    // Somebody who looked at the replica meanwhile may have met what got lost.
    state.unfinished.check_lost(lost)?;
    Ok((sent, skipped))
}
