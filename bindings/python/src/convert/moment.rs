use causelog::Timestamp;
use chrono::{DateTime, TimeDelta, Utc};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDateTime, PyDelta};

use crate::boundary::{invalid, quick};
use crate::convert::integer::Signed;
use crate::convert::{show, type_name};

/// A moment: an aware `datetime`, or an `int` of nanoseconds since the Unix epoch.
pub(crate) struct Moment(pub(crate) Timestamp);

impl FromPyObject<'_, '_> for Moment {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let Ok(moment) = object.cast::<PyDateTime>() else {
            return match object.extract::<Signed>() {
                Ok(Signed(nanoseconds)) => Ok(Moment(Timestamp::from_nanoseconds(nanoseconds))),
                Err(error) if error.is_instance_of::<PyTypeError>(py) => {
                    let message = format!(
                        "expected an aware datetime or an int of nanoseconds, not {}",
                        type_name(&object)
                    );
                    Err(PyTypeError::new_err(message))
                }
                Err(error) => Err(error),
            };
        };
        if moment.call_method0("utcoffset")?.is_none() {
            return Err(invalid(py, format!("datetime without a time zone: {}", show(&object))));
        }
        let since_epoch: TimeDelta = moment.sub(epoch(py)?)?.extract()?;
        let moment = DateTime::<Utc>::UNIX_EPOCH.checked_add_signed(since_epoch);
        let moment = moment.ok_or_else(|| invalid(py, format!("time out of range: {}", show(&object))))?;
        quick(py, || Timestamp::try_from(moment)).map(Moment)
    }
}

fn epoch(py: Python<'_>) -> PyResult<&Bound<'_, PyDateTime>> {
    static EPOCH: PyOnceLock<Py<PyDateTime>> = PyOnceLock::new();
    let epoch = EPOCH
        .get_or_try_init(py, || PyResult::Ok(DateTime::<Utc>::UNIX_EPOCH.into_pyobject(py)?.unbind()))?;
    Ok(epoch.bind(py))
}

/// The moment as an aware `datetime` in UTC: to the microsecond, the nanoseconds below it cut off.
pub(crate) fn to_datetime(py: Python<'_>, moment: Timestamp) -> PyResult<Bound<'_, PyDateTime>> {
    moment.to_datetime().into_pyobject(py)
}

/// A length of time that is not negative, from a `timedelta`.
pub(crate) struct Span(pub(crate) std::time::Duration);

impl FromPyObject<'_, '_> for Span {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let delta = object.cast::<PyDelta>()?;
        delta.extract().map(Span).map_err(|error| {
            if error.is_instance_of::<PyValueError>(object.py()) {
                invalid(object.py(), format!("negative length of time: {}", show(&object)))
            } else {
                error
            }
        })
    }
}

/// A step in time, forwards or back: a `timedelta`, or an `int` of nanoseconds.
pub(crate) struct Step(pub(crate) i64);

impl FromPyObject<'_, '_> for Step {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let Ok(delta) = object.cast::<PyDelta>() else {
            return object.extract::<Signed>().map(|Signed(nanoseconds)| Step(nanoseconds));
        };
        let nanoseconds = match delta.extract::<TimeDelta>() {
            Ok(delta) => delta.num_nanoseconds(),
            Err(error) if error.is_instance_of::<PyOverflowError>(py) => None,
            Err(error) => return Err(error),
        };
        nanoseconds
            .map(Step)
            .ok_or_else(|| invalid(py, format!("step in time out of range: {}", show(&object))))
    }
}
