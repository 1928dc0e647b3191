//! Values on their way between Python and the core. A value of the wrong type is a
//! `TypeError`, one of the right type but out of range an `InvalidArgumentError`.

pub(crate) mod dot;
pub(crate) mod integer;
pub(crate) mod metadata;
pub(crate) mod moment;
pub(crate) mod payload;
pub(crate) mod row_id;
pub(crate) mod text;

use pyo3::prelude::*;

/// A value as a message can carry it: its `repr`, cut after 80 characters.
pub(crate) fn show(object: &Bound<'_, PyAny>) -> String {
    let Ok(repr) = object.repr() else { return "a value without a repr".to_owned() };
    let text = repr.to_string_lossy();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}

/// The name of a value's type, for the message of a `TypeError`.
pub(crate) fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().qualname().map_or_else(|_| "object".to_owned(), |name| name.to_string())
}
