//! Timestamps, and time that a program moves itself.

use std::sync::Arc;

use causelog::{TimeSource, Timestamp};
use napi::bindgen_prelude::{Result, Unknown};
use napi_derive::napi;

use crate::error::{Code, thrown};
use crate::input::Argument;
use crate::output::Nanoseconds;

/// A time that stands still until it is moved: for tests, replays and simulations.
/// Given as `time` to a log or a detector, it takes the place of the system's clock.
#[napi]
pub struct ManualTime {
    time: Arc<causelog::ManualTime>,
}

#[napi]
impl ManualTime {
    /// A time that stands at `now`.
    #[napi(constructor, catch_unwind)]
    pub fn new(#[napi(ts_arg_type = "Date | bigint")] now: Unknown<'_>) -> Result<Self, Code> {
        let now = Argument::new("now", now).timestamp().map_err(thrown)?;
        Ok(ManualTime { time: Arc::new(causelog::ManualTime::new(now)) })
    }

    /// Where the time stands, in nanoseconds since 1970.
    #[napi(getter, catch_unwind, ts_return_type = "bigint")]
    pub fn now(&self) -> Nanoseconds {
        Nanoseconds(self.time.now())
    }

    /// Moves the time to `now`, forwards or backwards.
    #[napi(catch_unwind)]
    pub fn set(&self, #[napi(ts_arg_type = "Date | bigint")] now: Unknown<'_>) -> Result<(), Code> {
        self.time.set(Argument::new("now", now).timestamp().map_err(thrown)?);
        Ok(())
    }

    /// Moves the time by this many nanoseconds; a negative number moves it back.
    ///
    /// Throws `TOO_LARGE` when that leaves the years 1677 to 2262; the time stays.
    #[napi(catch_unwind)]
    pub fn advance(
        &self,
        #[napi(ts_arg_type = "bigint | number")] nanoseconds: Unknown<'_>,
    ) -> Result<(), Code> {
        let nanoseconds = Argument::new("nanoseconds", nanoseconds).nanoseconds().map_err(thrown)?;
        self.time.advance(nanoseconds).map_err(thrown)
    }
}

impl Argument<'_> {
    pub(crate) fn time(&self) -> causelog::Result<Arc<dyn TimeSource>> {
        Ok(self.instance::<ManualTime>("ManualTime")?.time.clone())
    }
}

/// Nanoseconds since 1970 of an RFC 3339 time, with any offset and up to nine digits of a second.
///
/// Throws `INVALID_ARGUMENT` for any other text and for times outside the years 1677 to 2262.
#[napi(catch_unwind, ts_return_type = "bigint")]
pub fn parse_timestamp(#[napi(ts_arg_type = "string")] text: Unknown<'_>) -> Result<Nanoseconds, Code> {
    let text = Argument::new("text", text).text().map_err(thrown)?;
    text.parse::<Timestamp>().map(Nanoseconds).map_err(thrown)
}

/// The moment as RFC 3339 in UTC, with as many digits of a second as it takes (none, 3, 6 or 9).
#[napi(catch_unwind)]
pub fn format_timestamp(#[napi(ts_arg_type = "Date | bigint")] moment: Unknown<'_>) -> Result<String, Code> {
    let moment = Argument::new("moment", moment).timestamp().map_err(thrown)?;
    Ok(moment.to_string())
}
