use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::boundary::invalid;
use crate::convert::show;

/// Unicode text, from a `str`. Python allows those to hold what is no text: lone surrogates.
pub(crate) struct Text(pub(crate) String);

impl FromPyObject<'_, '_> for Text {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let value = object.cast::<PyString>()?;
        value.to_cow().map(|text| Text(text.into_owned())).map_err(|error| {
            if error.is_instance_of::<PyUnicodeEncodeError>(object.py()) {
                invalid(object.py(), format!("text with a lone surrogate: {}", show(&object)))
            } else {
                error
            }
        })
    }
}

/// One text or several, such as the names of tables.
pub(crate) fn texts(object: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if object.is_instance_of::<PyString>() {
        return object.extract().map(|Text(text)| vec![text]);
    }
    object.try_iter()?.map(|text| Ok(text?.extract::<Text>()?.0)).collect()
}
