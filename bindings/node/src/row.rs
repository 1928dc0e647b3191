//! Row ids.

use causelog::{RowId, RowIdPart};
use napi::bindgen_prelude::{BigInt, Object, Result, ToNapiValue, TypeName, Unknown};
use napi::{Env, JsValue, ValueType, sys};
use napi_derive::napi;

use crate::error::{Code, thrown};
use crate::input::Argument;
use crate::output::{Bytes, value_type};

/// The largest magnitude that every JavaScript number below it holds exactly.
const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A row id as JavaScript has it: an integer as a number if that is exact and as a
/// bigint if not, text as a string, bytes as a `Buffer`, a UUID as `{ uuid }`, a tuple as an array.
pub struct Row(pub(crate) RowId);

value_type!(Row, Unknown);

impl ToNapiValue for Row {
    unsafe fn to_napi_value(env: sys::napi_env, row: Self) -> Result<sys::napi_value> {
        // SAFETY: the caller vouches for `env`.
        unsafe {
            match row.0 {
                RowId::Scalar(part) => ToNapiValue::to_napi_value(env, Part(part)),
                RowId::Tuple(parts) => {
                    ToNapiValue::to_napi_value(env, parts.into_iter().map(Part).collect::<Vec<_>>())
                }
            }
        }
    }
}

struct Part(RowIdPart);

impl ToNapiValue for Part {
    unsafe fn to_napi_value(env: sys::napi_env, part: Self) -> Result<sys::napi_value> {
        // SAFETY: the caller vouches for `env`.
        unsafe {
            match part.0 {
                RowIdPart::Text(text) => ToNapiValue::to_napi_value(env, text),
                RowIdPart::Integer(integer) if integer.unsigned_abs() <= MAX_SAFE_INTEGER => {
                    ToNapiValue::to_napi_value(env, integer as f64)
                }
                RowIdPart::Integer(integer) => ToNapiValue::to_napi_value(env, BigInt::from(integer)),
                RowIdPart::Bytes(bytes) => ToNapiValue::to_napi_value(env, Bytes(bytes)),
                RowIdPart::Uuid(uuid) => {
                    let mut object = Object::new(&Env::from_raw(env))?;
                    object.set("uuid", uuid.to_string())?;
                    Ok(object.raw())
                }
            }
        }
    }
}

/// The bytes that stand for a row id in a log. Comparing them (`Buffer.compare`)
/// orders row ids as their values are ordered.
///
/// Throws `INVALID_ARGUMENT` for a value that is no row id.
#[napi(catch_unwind, ts_return_type = "Buffer")]
pub fn encode_row_id(#[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>) -> Result<Bytes, Code> {
    let row_id = Argument::new("rowId", row_id).row_id().map_err(thrown)?;
    Ok(Bytes(row_id.encode()))
}

/// The row id that these bytes stand for.
///
/// Throws `INVALID_ARGUMENT` for bytes that `encodeRowId` does not give.
#[napi(catch_unwind, ts_return_type = "RowId")]
pub fn decode_row_id(#[napi(ts_arg_type = "Uint8Array")] bytes: Unknown<'_>) -> Result<Row, Code> {
    let bytes = Argument::new("bytes", bytes).bytes().map_err(thrown)?;
    RowId::decode(&bytes).map(Row).map_err(thrown)
}
