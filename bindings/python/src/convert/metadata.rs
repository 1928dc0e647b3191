use causelog::Metadata;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString, PyTuple};

use crate::convert::text::Text;
use crate::convert::type_name;

/// Metadata: a mapping of `str` to `str`.
#[derive(Default)]
pub(crate) struct MetadataArgument(pub(crate) Metadata);

impl FromPyObject<'_, '_> for MetadataArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let wrong = |object: &Bound<'_, PyAny>| {
            PyTypeError::new_err(format!(
                "metadata is a mapping of str to str, not with {}",
                type_name(object)
            ))
        };
        let mapping = object.cast::<PyMapping>().map_err(|_| wrong(&object))?;
        let mut metadata = Metadata::new();
        for item in mapping.items()? {
            let item = item.cast_into::<PyTuple>()?;
            let (key, value) = (item.get_item(0)?, item.get_item(1)?);
            if let Some(other) = [&key, &value].into_iter().find(|text| !text.is_instance_of::<PyString>()) {
                return Err(wrong(other));
            }
            let (Text(key), Text(value)) = (key.extract()?, value.extract()?);
            metadata.insert(key, value);
        }
        Ok(MetadataArgument(metadata))
    }
}
