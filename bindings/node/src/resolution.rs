//! Strategies: a name, or an object where there are parameters.

use causelog::ConflictResolution;
use napi::bindgen_prelude::{Function, JsObjectValue, Object, Result, ToNapiValue, Unknown};
use napi::{Env, JsValue, sys};
use napi_derive::napi;

use crate::error::{Code, thrown};
use crate::input::Argument;

/// A strategy as JavaScript has it: its name, or a plain object where it has parameters.
pub struct Resolution(pub(crate) ConflictResolution);

impl From<&ConflictResolution> for Resolution {
    fn from(resolution: &ConflictResolution) -> Self {
        Resolution(resolution.clone())
    }
}

impl ToNapiValue for Resolution {
    unsafe fn to_napi_value(env: sys::napi_env, resolution: Self) -> Result<sys::napi_value> {
        let text = resolution.0.to_string();
        if text.starts_with('{') {
            let env = Env::from_raw(env);
            let json: Object<'_> = env.get_global()?.get_named_property("JSON")?;
            let parse: Function<'_, String, Unknown<'_>> = json.get_named_property("parse")?;
            return Ok(parse.call(text)?.raw());
        }
        // SAFETY: the caller vouches for `env`.
        unsafe { ToNapiValue::to_napi_value(env, text) }
    }
}

impl Argument<'_> {
    /// A strategy, which `index.js` has made text.
    pub(crate) fn resolution(&self) -> causelog::Result<ConflictResolution> {
        let text = self.text().map_err(|_| self.refuse("a strategy, as its name or an object"))?;
        text.parse().map_err(|error: causelog::Error| error.context(self))
    }
}

/// The name of a strategy without its parameters.
///
/// Throws `INVALID_ARGUMENT` for what is no strategy.
#[napi(catch_unwind, ts_return_type = "ConflictResolutionKind")]
pub fn conflict_resolution_kind(
    #[napi(ts_arg_type = "ConflictResolution")] resolution: Unknown<'_>,
) -> Result<&'static str, Code> {
    Ok(Argument::new("resolution", resolution).resolution().map_err(thrown)?.kind())
}

/// The canonical text of a strategy: its name, or a JSON object where it has parameters.
///
/// Throws `INVALID_ARGUMENT` for what is no strategy.
#[napi(catch_unwind)]
pub fn format_conflict_resolution(
    #[napi(ts_arg_type = "ConflictResolution")] resolution: Unknown<'_>,
) -> Result<String, Code> {
    Ok(Argument::new("resolution", resolution).resolution().map_err(thrown)?.to_string())
}

/// The strategy that a text says: a name, or a JSON object.
///
/// Throws `INVALID_ARGUMENT`, with the reason, for text that says none.
#[napi(catch_unwind, ts_return_type = "ConflictResolution")]
pub fn parse_conflict_resolution(
    #[napi(ts_arg_type = "string")] text: Unknown<'_>,
) -> Result<Resolution, Code> {
    Argument::new("text", text).resolution().map(Resolution).map_err(thrown)
}

/// Checks that a strategy makes sense by itself.
///
/// Throws `INVALID_ARGUMENT`, with the reason, for a node listed twice, a fallback that could never be asked or that
/// contradicts what it is the fallback of, and a custom resolver without a name.
#[napi(catch_unwind)]
pub fn validate_conflict_resolution(
    #[napi(ts_arg_type = "ConflictResolution")] resolution: Unknown<'_>,
) -> Result<(), Code> {
    let resolution = Argument::new("resolution", resolution).resolution();
    resolution.and_then(|resolution| resolution.validate()).map_err(thrown)
}
