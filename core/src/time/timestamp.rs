use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};

/// A moment: signed 64-bit nanoseconds since the Unix epoch, from the year 1677 to 2262.
///
/// ```
/// use causelog::Timestamp;
/// let moment: Timestamp = "2010-07-22T16:49:28Z".parse().unwrap();
/// assert_eq!(moment.nanoseconds(), 1_279_817_368_000_000_000);
/// assert_eq!(moment.to_string(), "2010-07-22T16:49:28Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest moment there is.
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// The latest moment there is.
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// The moment this many nanoseconds after the Unix epoch.
    pub const fn from_nanoseconds(nanoseconds: i64) -> Self {
        Timestamp(nanoseconds)
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }

    /// This moment as chrono's type.
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }
}

impl TryFrom<DateTime<Utc>> for Timestamp {
    type Error = Error;

    fn try_from(moment: DateTime<Utc>) -> Result<Timestamp> {
        moment.timestamp_nanos_opt().map(Timestamp).ok_or_else(|| {
            Error::invalid(format!("time outside the years 1677 to 2262: {}", moment.to_rfc3339()))
        })
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    /// Reads RFC 3339, with any offset and up to nine digits of a second; leap seconds are refused.
    fn from_str(text: &str) -> Result<Timestamp> {
        let malformed = |why: &str| Error::invalid(format!("not an RFC 3339 time: {text:?} ({why})"));
        let moment = DateTime::parse_from_rfc3339(text).map_err(|error| malformed(&error.to_string()))?;
        // chrono drops further digits; a time that cannot be kept exactly is refused.
        let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
        if fraction.bytes().take_while(u8::is_ascii_digit).count() > 9 {
            return Err(malformed("more than nine digits of a second"));
        }
        // chrono counts on beyond the second, which would make it one with the next.
        if moment.timestamp_subsec_nanos() >= 1_000_000_000 {
            return Err(malformed("Unix time has no leap seconds"));
        }
        moment.to_utc().try_into()
    }
}

/// RFC 3339 in UTC, with as many digits of a second as it takes (none, 3, 6 or 9).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_datetime().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
