//! The forms of single values: row ids, clocks, timestamps.

use causelog::{ErrorCode, RowId, Timestamp, VectorClock};

use super::input::Input;

/// Whatever decodes encodes to the same bytes, and two row ids sort as their bytes do.
pub fn row_id(data: &[u8]) {
    let mut input = Input(data);
    let first = input.bytes();
    let values = [decode_row_id(first), decode_row_id(input.0)];
    if let [Some(a), Some(b)] = &values {
        assert_eq!(a.cmp(b), first.cmp(input.0), "{a} and {b} sort otherwise than their bytes");
    }
    // A value that comes from no bytes, to and fro.
    let made = Input(data).row_id();
    if made.validate().is_ok() {
        assert_eq!(RowId::decode(&made.encode()).unwrap(), made);
        for other in values.iter().flatten() {
            assert_eq!(made.cmp(other), made.encode().cmp(&other.encode()), "{made} and {other}");
        }
    }
}

fn decode_row_id(bytes: &[u8]) -> Option<RowId> {
    match RowId::decode(bytes) {
        Ok(row_id) => {
            assert_eq!(row_id.encode(), bytes, "{row_id} has two spellings");
            assert_eq!(row_id.validate().is_ok(), bytes.len() <= RowId::MAX_ENCODED_LENGTH);
            assert!(!row_id.to_string().is_empty());
            let json = serde_json::to_string(&row_id).unwrap();
            serde_json::from_str::<serde_json::Value>(&json).unwrap();
            Some(row_id)
        }
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::InvalidArgument);
            None
        }
    }
}

/// Both forms of a clock give the clock back, and of its bytes there is one spelling only.
pub fn vector_clock(data: &[u8]) {
    match VectorClock::from_bytes(data) {
        Ok(clock) => {
            assert_eq!(clock.to_bytes(), data, "{clock} has two spellings");
            clock_laws(&clock);
        }
        Err(error) => assert_eq!(error.code(), ErrorCode::InvalidArgument),
    }
    if let Ok(json) = std::str::from_utf8(data) {
        match VectorClock::from_json(json) {
            Ok(clock) => clock_laws(&clock),
            Err(error) => assert_eq!(error.code(), ErrorCode::InvalidArgument),
        }
    }
}

fn clock_laws(clock: &VectorClock) {
    assert_eq!(&VectorClock::from_bytes(&clock.to_bytes()).unwrap(), clock);
    assert_eq!(&VectorClock::from_json(&clock.to_json()).unwrap(), clock);
    assert_eq!(&VectorClock::from_entries(clock.iter()), clock);
    assert!(clock.iter().all(|(node, sequence)| sequence > 0 && clock.get(node) == sequence));
    let mut doubled = clock.clone();
    doubled.merge(clock);
    assert_eq!(&doubled, clock);
}

/// Whatever parses formats to text that parses to the same moment, and so does every moment.
pub fn timestamp(data: &[u8]) {
    let any = Timestamp::from_nanoseconds(Input(data).wide() as i64);
    assert_eq!(any.to_string().parse::<Timestamp>().unwrap(), any);
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.parse::<Timestamp>() {
        Ok(moment) => {
            let formatted = moment.to_string();
            assert_eq!(formatted.parse::<Timestamp>().unwrap(), moment);
            // A text that is in UTC already, and spelled as this library does, means itself.
            let same_form = text.len() == formatted.len() && text.ends_with('Z') && text.contains('T');
            assert!(!same_form || text == formatted, "{text} was read as {formatted}");
        }
        Err(error) => assert_eq!(error.code(), ErrorCode::InvalidArgument),
    }
}
