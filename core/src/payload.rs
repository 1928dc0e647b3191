//! Payload bytes as people and JSON readers see them.

use std::fmt;

use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// A payload in a report: as JSON if it is some, and as hexadecimal if it is not.
pub(crate) fn split(payload: Option<&[u8]>) -> (Option<Box<RawValue>>, Option<String>) {
    match payload {
        None => (None, None),
        Some(bytes) => match compact_json(bytes).and_then(|json| RawValue::from_string(json).ok()) {
            Some(json) => (Some(json), None),
            None => (None, Some(hex(bytes))),
        },
    }
}

/// The same JSON on one line: white space between its tokens is left out, all else stays as it is.
pub(crate) fn compact_json(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let (mut in_string, mut escaped) = (false, false);
    let kept = text.chars().filter(|character| {
        let inside = in_string;
        match (inside, *character) {
            (true, _) if escaped => escaped = false,
            (true, '\\') => escaped = true,
            (_, '"') => in_string = !inside,
            _ => {}
        }
        inside || !matches!(character, ' ' | '\t' | '\n' | '\r')
    });
    Some(kept.collect())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    text.extend(digits.filter_map(|digit| char::from_digit(digit.into(), 16)));
    text
}

/// A payload for people: its JSON, its bytes in hexadecimal, or that there is none.
pub(crate) struct Payload<'a>(pub(crate) Option<&'a [u8]>);

impl fmt::Display for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("(deleted)"),
            Some(bytes) => match compact_json(bytes) {
                Some(json) => f.write_str(&json),
                None => write!(f, "x'{}'", hex(bytes)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_put_on_one_line_and_otherwise_left_alone() {
        let spaced = b"{ \"a\\\" b\" :\n [1.50, 1e400,\t\"x  y\"] }";
        assert_eq!(compact_json(spaced).unwrap(), r#"{"a\" b":[1.50,1e400,"x  y"]}"#);
        assert_eq!(compact_json(b"{"), None);
        assert_eq!(compact_json(b"\"\xff\""), None);
    }

    #[test]
    fn nesting_without_end_does_not_exhaust_the_stack() {
        let deep = "[".repeat(1_000_000);
        assert_eq!(compact_json(deep.as_bytes()), None);
        let closed = deep.clone() + &"]".repeat(1_000_000);
        let _ = compact_json(closed.as_bytes());
    }
}
