use causelog::CompressionReport as Core;
use pyo3::prelude::*;

/// What ``ChangeLog.compress`` has done.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct CompressionReport {
    pub(crate) core: Core,
}

#[pymethods]
impl CompressionReport {
    /// Segments that are compressed now and were not before.
    #[getter]
    fn segments(&self) -> u64 {
        self.core.segments
    }

    /// Bytes that the files of those segments took before.
    #[getter]
    fn bytes_before(&self) -> u64 {
        self.core.bytes_before
    }

    /// Bytes that they take now.
    #[getter]
    fn bytes_after(&self) -> u64 {
        self.core.bytes_after
    }

    fn __eq__(&self, other: &Bound<'_, CompressionReport>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let Core { segments, bytes_before, bytes_after } = self.core;
        format!("<CompressionReport of {segments} segments, {bytes_before} to {bytes_after} bytes>")
    }
}
