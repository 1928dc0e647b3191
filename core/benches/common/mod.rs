//! Settings that all benchmarks share: all of them together stay below three minutes.

use std::time::Duration;

use criterion::Criterion;

pub(crate) fn settings() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(20)
}
