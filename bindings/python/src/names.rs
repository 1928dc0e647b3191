//! What the Python half of the package defines and this half uses: exceptions,
//! enumerations, dots. Each is imported once, when it is first needed.

use causelog::{
    Causality, ChangeOperation, ConflictClass, ConflictType, Durability, Error, ErrorCode, ReasonCode,
    RemovalReason, RowState, Side, Verdict,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyType};

use crate::boundary::invalid;
use crate::convert::text::Text;

/// The exception for this error: an instance of the class that `causelog.errors` has for its code.
pub(crate) fn exception(py: Python<'_>, error: Error) -> PyErr {
    match exception_class(py, error.code()) {
        Ok(class) => PyErr::from_type(class, (error.to_string(),)),
        Err(failure) => failure,
    }
}

fn exception_class(py: Python<'_>, code: ErrorCode) -> PyResult<Bound<'_, PyType>> {
    static BY_CODE: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let classes = BY_CODE.import(py, "causelog.errors", "BY_CODE")?;
    Ok(classes.as_any().get_item(code.name())?.cast_into()?)
}

/// A core enumeration whose values are members of a Python `StrEnum`, by name.
pub(crate) trait Named: Copy + PartialEq + Sized + 'static {
    /// The `StrEnum` in `causelog.enums`.
    const CLASS: &'static str;
    /// What a value is, in a message.
    const WHAT: &'static str;
    const ALL: &'static [Self];
    fn name(self) -> &'static str;
    /// The members of the `StrEnum`, in the order of `ALL`.
    fn members() -> &'static PyOnceLock<Vec<Py<PyAny>>>;
}

macro_rules! named {
    ($($type:ident: $what:literal = $all:expr;)+) => {$(
        impl Named for $type {
            const CLASS: &'static str = stringify!($type);
            const WHAT: &'static str = $what;
            const ALL: &'static [Self] = &$all;

            fn name(self) -> &'static str {
                $type::name(self)
            }

            fn members() -> &'static PyOnceLock<Vec<Py<PyAny>>> {
                static MEMBERS: PyOnceLock<Vec<Py<PyAny>>> = PyOnceLock::new();
                &MEMBERS
            }
        }
    )+};
}

named! {
    Causality: "causality" = Causality::ALL;
    ChangeOperation: "operation" = ChangeOperation::ALL;
    ConflictClass: "conflict class" = ConflictClass::ALL;
    ConflictType: "conflict type" = ConflictType::ALL;
    Durability: "durability" = Durability::ALL;
    RemovalReason: "reason of a removal" = RemovalReason::ALL;
    ReasonCode: "reason" = ReasonCode::ALL;
    RowState: "state" = RowState::ALL;
    Side: "side" = Side::ALL;
    Verdict: "verdict" = Verdict::ALL;
}

/// The member of the Python enumeration that stands for this value.
pub(crate) fn member<E: Named>(py: Python<'_>, value: E) -> PyResult<Py<PyAny>> {
    let members = E::members().get_or_try_init(py, || {
        let class = py.import("causelog.enums")?.getattr(E::CLASS)?;
        E::ALL.iter().map(|value| Ok(class.call1((value.name(),))?.unbind())).collect::<PyResult<_>>()
    })?;
    let member = E::ALL.iter().position(|other| *other == value).and_then(|at| members.get(at));
    Ok(member
        .map_or_else(|| PyString::new(py, value.name()).into_any().unbind(), |member| member.clone_ref(py)))
}

/// A value taken by its name: a member of the enumeration, or the plain string.
pub(crate) struct ByName<E>(pub(crate) E);

impl<E: Named> FromPyObject<'_, '_> for ByName<E> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let Text(name) = object.extract()?;
        let value = E::ALL.iter().copied().find(|value| value.name() == name);
        value.map(ByName).ok_or_else(|| {
            let known: Vec<_> = E::ALL.iter().map(|value| value.name()).collect();
            let message = format!("unknown {} {name:?}: it is one of {}", E::WHAT, known.join(", "));
            invalid(object.py(), message)
        })
    }
}
