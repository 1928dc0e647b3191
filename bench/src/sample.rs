//! What one measurement found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Metric {
    /// How many entries were appended: fewer than asked for when the run was stopped.
    Appended,
    AppendRate,
    /// Of all threads of the process, in user and kernel mode.
    AppendCpu,
    CloseTime,
    DiskBytes,
    AppendMemory,
    Latency50,
    Latency99,
    LatencyWorst,
    ReopenTime,
    TailTime,
    ScanRate,
    ReadMemory,
    EntryMemory,
    /// Of finding the entries of a row, for each row.
    RowIndexMemory,
    CallTime,
    /// Of opening what was not closed.
    RecoverTime,
    RecoverMemory,
    HistoryTime,
    /// For a million entries.
    VerifyTime,
    /// In the segments: who wrote a transaction, which of its author's it is, and what was seen.
    CausalityBytes,
    /// In what is derived from the segments, for the same purpose.
    DerivedBytes,
    NodeBytes,
    Dependencies,
    TransactionRate,
    ClockMemory,
    /// Transactions of a history that there was no time for.
    Left,
    /// For the heads of each row.
    RowMemory,
    /// Rows with several heads.
    Contested,
    /// Entries that ended that.
    Settled,
}

impl Metric {
    /// The head of its column.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Metric::Appended => "entries",
            Metric::AppendRate => "entries/s",
            Metric::ScanRate => "scan entries/s",
            Metric::AppendCpu => "CPU µs/entry",
            Metric::CloseTime => "close ms",
            Metric::DiskBytes | Metric::EntryMemory => "B/entry",
            Metric::AppendMemory => "peak RSS MiB",
            Metric::ReadMemory => "reading RSS MiB",
            Metric::Latency50 => "p50 µs",
            Metric::Latency99 => "p99 µs",
            Metric::LatencyWorst => "worst µs",
            Metric::ReopenTime => "reopen ms",
            Metric::TailTime => "tail µs",
            Metric::CallTime => "ns",
            Metric::RecoverTime => "crashed ms",
            Metric::RecoverMemory => "crashed RSS MiB",
            Metric::HistoryTime => "history µs",
            Metric::VerifyTime => "verify ms/M",
            Metric::CausalityBytes => "B/transaction",
            Metric::DerivedBytes => "derived B",
            Metric::NodeBytes => "node ids B",
            Metric::Dependencies => "dependencies",
            Metric::TransactionRate => "transactions/s",
            Metric::ClockMemory => "memory MiB",
            Metric::RowIndexMemory => "index B/row",
            Metric::Left => "left",
            Metric::RowMemory => "heads B/row",
            Metric::Contested => "contested rows",
            Metric::Settled => "settled",
        }
    }

    /// Whether more of it is better.
    pub(crate) fn is_rate(self) -> bool {
        matches!(self, Metric::Appended | Metric::AppendRate | Metric::ScanRate | Metric::TransactionRate)
    }

    pub(crate) fn format(self, value: f64) -> String {
        match self {
            Metric::Appended
            | Metric::AppendRate
            | Metric::ScanRate
            | Metric::TransactionRate
            | Metric::Contested
            | Metric::Settled
            | Metric::Left => thousands(value),
            Metric::AppendCpu | Metric::ReopenTime | Metric::RecoverTime => format!("{value:.3}"),
            Metric::TailTime
            | Metric::HistoryTime
            | Metric::Latency50
            | Metric::Latency99
            | Metric::LatencyWorst
            | Metric::DiskBytes
            | Metric::EntryMemory
            | Metric::RowIndexMemory
            | Metric::RowMemory => format!("{value:.0}"),
            Metric::CausalityBytes | Metric::DerivedBytes | Metric::NodeBytes | Metric::Dependencies => {
                format!("{value:.2}")
            }
            Metric::CloseTime
            | Metric::AppendMemory
            | Metric::ReadMemory
            | Metric::RecoverMemory
            | Metric::CallTime
            | Metric::VerifyTime
            | Metric::ClockMemory => format!("{value:.1}"),
        }
    }
}

/// Digits in groups of three.
pub(crate) fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The figures of one run of one store.
pub(crate) type Sample = BTreeMap<Metric, f64>;

/// The value with as many values below it as above it.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 { upper } else { (values[middle - 1] + upper) / 2.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&mut []), None);
    }

    #[test]
    fn digits_come_in_threes() {
        assert_eq!(["0", "999", "1,000", "12,345,678"], [0.0, 999.0, 1e3, 12_345_678.0].map(thousands));
    }
}
