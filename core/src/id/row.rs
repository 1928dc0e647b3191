use std::cmp::Ordering;
use std::fmt;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use uuid::Uuid;

use crate::error::{Error, ErrorCode, Result};

/// The identity of a row within its table: a typed scalar, or a tuple of them.
///
/// A row id comes back as it went in: `42` is never `"42"`, and a tuple of one is
/// not its element. Its encoded form sorts as the values do: integers by value,
/// text and bytes by their bytes, tuples element by element.
///
/// ```
/// use causelog::{RowId, Uuid};
/// let order = RowId::from(42);
/// let line = RowId::tuple([42.into(), "sku-7".into()]).unwrap();
/// assert!(order.encode() < RowId::from(43).encode());
/// assert_eq!(RowId::decode(&line.encode()).unwrap(), line);
/// assert_eq!(line.to_string(), r#"(42, "sku-7")"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RowId {
    /// One scalar.
    Scalar(RowIdPart),
    /// Several scalars, at least one. Build it with [`RowId::tuple`], which checks that.
    Tuple(Vec<RowIdPart>),
}

/// The order of the encoded form, where tuples stand between text and integers.
impl Ord for RowId {
    fn cmp(&self, other: &Self) -> Ordering {
        let before_tuples = |part: &RowIdPart| match part {
            RowIdPart::Bytes(_) | RowIdPart::Text(_) => Ordering::Less,
            RowIdPart::Integer(_) | RowIdPart::Uuid(_) => Ordering::Greater,
        };
        match (self, other) {
            (RowId::Scalar(a), RowId::Scalar(b)) => a.cmp(b),
            (RowId::Tuple(a), RowId::Tuple(b)) => a.cmp(b),
            (RowId::Scalar(part), RowId::Tuple(_)) => before_tuples(part),
            (RowId::Tuple(_), RowId::Scalar(part)) => before_tuples(part).reverse(),
        }
    }
}

impl PartialOrd for RowId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// One scalar of a [`RowId`].
///
/// The order of the variants is the order of the types in the encoded form.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowIdPart {
    /// Bytes of any value.
    Bytes(Vec<u8>),
    /// Unicode text.
    Text(String),
    /// A signed 64-bit integer.
    Integer(i64),
    /// A UUID.
    Uuid(Uuid),
}

/// Tags of the encoded form, in sort order. They and the rules around them are
/// those of FoundationDB's tuple layer (its `design/tuple.md`), so that the
/// encoding is one that other tools can read.
mod tag {
    pub(super) const END: u8 = 0x00;
    pub(super) const BYTES: u8 = 0x01;
    pub(super) const TEXT: u8 = 0x02;
    pub(super) const TUPLE: u8 = 0x05;
    /// Zero; n bytes of a positive integer are `ZERO + n`, of a negative one `ZERO - n`.
    pub(super) const ZERO: u8 = 0x14;
    pub(super) const UUID: u8 = 0x30;
    /// Follows a zero byte inside bytes and text, so that a bare zero can end them.
    pub(super) const ESCAPE: u8 = 0xff;
}

impl RowId {
    /// The longest encoded row id that a log takes, in bytes.
    pub const MAX_ENCODED_LENGTH: usize = 64 * 1024;

    /// A row id of several scalars.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there is no element.
    pub fn tuple(parts: impl IntoIterator<Item = RowIdPart>) -> Result<RowId> {
        let parts: Vec<_> = parts.into_iter().collect();
        if parts.is_empty() {
            return Err(Error::invalid("a row id cannot be an empty tuple"));
        }
        Ok(RowId::Tuple(parts))
    }

    /// The bytes that stand for this row id in the log; their order is the order of the values.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16);
        self.encode_into(&mut out);
        out
    }

    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            RowId::Scalar(part) => part.encode_into(out),
            RowId::Tuple(parts) => {
                out.push(tag::TUPLE);
                for part in parts {
                    part.encode_into(out);
                }
                out.push(tag::END);
            }
        }
    }

    /// The row id that these bytes stand for.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when they are not what [`RowId::encode`] gives.
    pub fn decode(bytes: &[u8]) -> Result<RowId> {
        let malformed = || Error::invalid(format!("not an encoded row id: {}", HexPreview(bytes)));
        let (row_id, rest) = Self::decode_prefix(bytes).ok_or_else(malformed)?;
        if rest.is_empty() { Ok(row_id) } else { Err(malformed()) }
    }

    fn decode_prefix(bytes: &[u8]) -> Option<(RowId, &[u8])> {
        let Some(mut rest) = bytes.strip_prefix(&[tag::TUPLE]) else {
            let (part, rest) = RowIdPart::decode_prefix(bytes)?;
            return Some((RowId::Scalar(part), rest));
        };
        let mut parts = Vec::new();
        loop {
            if let Some(after) = rest.strip_prefix(&[tag::END]) {
                return (!parts.is_empty()).then_some((RowId::Tuple(parts), after));
            }
            let (part, after) = RowIdPart::decode_prefix(rest)?;
            parts.push(part);
            rest = after;
        }
    }

    /// Whether a log takes this row id.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty tuple, `TOO_LARGE` when its encoded form is
    /// longer than [`RowId::MAX_ENCODED_LENGTH`].
    pub fn validate(&self) -> Result<()> {
        if matches!(self, RowId::Tuple(parts) if parts.is_empty()) {
            return Err(Error::invalid("a row id cannot be an empty tuple"));
        }
        // A bound is quick to tell; only what comes near the limit has to be encoded.
        let bound = match self {
            RowId::Scalar(part) => part.most_bytes(),
            RowId::Tuple(parts) => {
                parts.iter().fold(2, |sum: usize, part| sum.saturating_add(part.most_bytes()))
            }
        };
        if bound <= Self::MAX_ENCODED_LENGTH {
            return Ok(());
        }
        let length = self.encode().len();
        if length > Self::MAX_ENCODED_LENGTH {
            let limit = Self::MAX_ENCODED_LENGTH;
            return Err(Error::new(
                ErrorCode::TooLarge,
                format!("row id of {length} bytes is longer than the {limit} allowed"),
            ));
        }
        Ok(())
    }
}

impl RowIdPart {
    /// How many bytes it takes encoded, at most.
    fn most_bytes(&self) -> usize {
        let terminated = |length: usize| length.saturating_mul(2).saturating_add(2);
        match self {
            RowIdPart::Bytes(bytes) => terminated(bytes.len()),
            RowIdPart::Text(text) => terminated(text.len()),
            RowIdPart::Integer(_) => 9,
            RowIdPart::Uuid(_) => 17,
        }
    }

    fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            RowIdPart::Bytes(bytes) => encode_terminated(tag::BYTES, bytes, out),
            RowIdPart::Text(text) => encode_terminated(tag::TEXT, text.as_bytes(), out),
            RowIdPart::Integer(value) => {
                let magnitude = value.unsigned_abs();
                let length = 8 - magnitude.leading_zeros() as usize / 8;
                // Negative integers are the complement of their magnitude, so that
                // a larger magnitude sorts first.
                let (tag, body) = if *value < 0 {
                    (tag::ZERO - length as u8, !magnitude)
                } else {
                    (tag::ZERO + length as u8, magnitude)
                };
                out.push(tag);
                out.extend(body.to_be_bytes().into_iter().skip(8 - length));
            }
            RowIdPart::Uuid(uuid) => {
                out.push(tag::UUID);
                out.extend_from_slice(uuid.as_bytes());
            }
        }
    }

    fn decode_prefix(bytes: &[u8]) -> Option<(RowIdPart, &[u8])> {
        let (&first, rest) = bytes.split_first()?;
        match first {
            tag::BYTES => {
                let (bytes, rest) = decode_terminated(rest)?;
                Some((RowIdPart::Bytes(bytes), rest))
            }
            tag::TEXT => {
                let (bytes, rest) = decode_terminated(rest)?;
                Some((RowIdPart::Text(String::from_utf8(bytes).ok()?), rest))
            }
            tag::UUID => {
                let (bytes, rest) = rest.split_first_chunk::<16>()?;
                Some((RowIdPart::Uuid(Uuid::from_bytes(*bytes)), rest))
            }
            12..=28 => {
                let negative = first < tag::ZERO;
                let length = usize::from(first.abs_diff(tag::ZERO));
                let (body, rest) = rest.split_at_checked(length)?;
                let filler = if negative { 0xff } else { 0x00 };
                // A leading filler byte would be a second spelling of the same value.
                if body.first() == Some(&filler) {
                    return None;
                }
                let mut wide = [filler; 8];
                wide.iter_mut().rev().zip(body.iter().rev()).for_each(|(to, from)| *to = *from);
                let body = u64::from_be_bytes(wide);
                let value = if negative { -i128::from(!body) } else { i128::from(body) };
                Some((RowIdPart::Integer(i64::try_from(value).ok()?), rest))
            }
            _ => None,
        }
    }
}

fn encode_terminated(tag: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(tag);
    for &byte in bytes {
        out.push(byte);
        if byte == tag::END {
            out.push(tag::ESCAPE);
        }
    }
    out.push(tag::END);
}

fn decode_terminated(mut bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut out = Vec::new();
    loop {
        let (&byte, rest) = bytes.split_first()?;
        bytes = rest;
        if byte != tag::END {
            out.push(byte);
        } else if let Some(rest) = bytes.strip_prefix(&[tag::ESCAPE]) {
            out.push(tag::END);
            bytes = rest;
        } else {
            return Some((out, bytes));
        }
    }
}

/// Bytes as hexadecimal, cut after the first 32: what a message can carry.
struct HexPreview<'a>(&'a [u8]);

impl fmt::Display for HexPreview<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().take(32) {
            write!(f, "{byte:02x}")?;
        }
        if self.0.len() > 32 {
            write!(f, "… ({} bytes)", self.0.len())?;
        }
        Ok(())
    }
}

/// `42`, `"text"`, `x'00ff'`, a bare UUID, `(42, "a")`.
impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowId::Scalar(part) => part.fmt(f),
            RowId::Tuple(parts) => {
                f.write_str("(")?;
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    part.fmt(f)?;
                }
                f.write_str(if parts.len() == 1 { ",)" } else { ")" })
            }
        }
    }
}

impl fmt::Display for RowIdPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowIdPart::Bytes(bytes) => {
                f.write_str("x'")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("'")
            }
            RowIdPart::Text(text) => write!(f, "{text:?}"),
            RowIdPart::Integer(value) => value.fmt(f),
            RowIdPart::Uuid(uuid) => uuid.hyphenated().fmt(f),
        }
    }
}

/// In JSON an integer is a number, text a string, bytes `{"bytes": "00ff"}`, a
/// UUID `{"uuid": "…"}`, and a tuple an array: no two row ids look alike.
impl Serialize for RowId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            RowId::Scalar(part) => part.serialize(serializer),
            RowId::Tuple(parts) => {
                let mut seq = serializer.serialize_seq(Some(parts.len()))?;
                parts.iter().try_for_each(|part| seq.serialize_element(part))?;
                seq.end()
            }
        }
    }
}

impl Serialize for RowIdPart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            RowIdPart::Integer(value) => serializer.serialize_i64(*value),
            RowIdPart::Text(text) => serializer.serialize_str(text),
            RowIdPart::Bytes(bytes) => {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("bytes", &hex)?;
                map.end()
            }
            RowIdPart::Uuid(uuid) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("uuid", uuid)?;
                map.end()
            }
        }
    }
}

impl From<i64> for RowIdPart {
    fn from(value: i64) -> Self {
        RowIdPart::Integer(value)
    }
}

impl From<&str> for RowIdPart {
    fn from(text: &str) -> Self {
        RowIdPart::Text(text.to_owned())
    }
}

impl From<String> for RowIdPart {
    fn from(text: String) -> Self {
        RowIdPart::Text(text)
    }
}

impl From<&[u8]> for RowIdPart {
    fn from(bytes: &[u8]) -> Self {
        RowIdPart::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for RowIdPart {
    fn from(bytes: Vec<u8>) -> Self {
        RowIdPart::Bytes(bytes)
    }
}

impl From<Uuid> for RowIdPart {
    fn from(uuid: Uuid) -> Self {
        RowIdPart::Uuid(uuid)
    }
}

impl<T: Into<RowIdPart>> From<T> for RowId {
    fn from(part: T) -> Self {
        RowId::Scalar(part.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part() -> impl Strategy<Value = RowIdPart> {
        prop_oneof![
            any::<i64>().prop_map(RowIdPart::Integer),
            (-300i64..300).prop_map(RowIdPart::Integer),
            ".{0,6}".prop_map(RowIdPart::Text),
            proptest::collection::vec(prop_oneof![Just(0u8), Just(255), any::<u8>()], 0..6)
                .prop_map(RowIdPart::Bytes),
            any::<u128>().prop_map(|value| RowIdPart::Uuid(Uuid::from_u128(value))),
        ]
    }

    fn row_id() -> impl Strategy<Value = RowId> {
        prop_oneof![
            part().prop_map(RowId::Scalar),
            proptest::collection::vec(part(), 1..4).prop_map(RowId::Tuple),
        ]
    }

    proptest! {
        #[test]
        fn encoding_is_the_inverse_of_decoding(row_id in row_id()) {
            prop_assert_eq!(RowId::decode(&row_id.encode()).unwrap(), row_id);
        }

        #[test]
        fn row_ids_sort_as_they_are_encoded(a in row_id(), b in row_id()) {
            prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
        }

        #[test]
        fn whatever_decodes_was_encoded_that_way(bytes in proptest::collection::vec(any::<u8>(), 0..24)) {
            if let Ok(row_id) = RowId::decode(&bytes) {
                prop_assert_eq!(row_id.encode(), bytes);
            }
        }
    }

    #[test]
    fn the_ends_of_the_integer_range_survive() {
        for value in [i64::MIN, i64::MIN + 1, -256, -255, -1, 0, 1, 255, 256, i64::MAX] {
            assert_eq!(RowId::decode(&RowId::from(value).encode()).unwrap(), RowId::from(value));
        }
    }

    #[test]
    fn an_integer_beyond_64_bits_is_refused() {
        let mut beyond = RowId::from(i64::MAX).encode();
        beyond[1] = 0x80;
        assert_eq!(RowId::decode(&beyond).unwrap_err().code(), ErrorCode::InvalidArgument);
    }

    #[test]
    fn a_tuple_of_one_is_not_its_element() {
        let one = RowId::tuple([42.into()]).unwrap();
        assert_ne!(one, RowId::from(42));
        assert_ne!(one.encode(), RowId::from(42).encode());
        assert_eq!(one.to_string(), "(42,)");
        assert!(RowId::tuple([]).is_err());
    }
}
