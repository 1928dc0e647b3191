//! Payloads of a trace as the bytes that go into the log.

use serde_json::value::RawValue;

/// The one spelling of a JSON text that all four programs of the demo store: no white space
/// between tokens, keys and numbers as given, strings with no more escapes than JSON demands.
///
/// Without it an image would depend on how the trace happens to spell it.
///
/// # Errors
/// A string with half a surrogate pair stands for no text.
pub(crate) fn compact(raw: &RawValue) -> serde_json::Result<String> {
    let mut rest = raw.get();
    let mut out = String::with_capacity(rest.len());
    while let Some(start) = rest.find('"') {
        let (between, string) = rest.split_at(start);
        push_without_white_space(between, &mut out);
        let (string, after) = string.split_at(string_length(string));
        let text: String = serde_json::from_str(string)?;
        out.push_str(&serde_json::to_string(&text)?);
        rest = after;
    }
    push_without_white_space(rest, &mut out);
    Ok(out)
}

fn push_without_white_space(tokens: &str, out: &mut String) {
    out.extend(tokens.chars().filter(|character| !character.is_ascii_whitespace()));
}

/// Bytes of the string literal that `text` begins with, both quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let closing = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closing
    });
    end.map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compacted(json: &str) -> serde_json::Result<String> {
        compact(&serde_json::from_str::<Box<RawValue>>(json).unwrap())
    }

    #[test]
    fn keys_and_numbers_stay_as_given() {
        let json = "{ \"b\" : 1.50,\n\t\"a\" : [ 1e400 , -0 , 12345678901234567890 ], \"\" : {} }";
        let compact = r#"{"b":1.50,"a":[1e400,-0,12345678901234567890],"":{}}"#;
        assert_eq!(compacted(json).unwrap(), compact);
    }

    #[test]
    fn strings_have_no_more_escapes_than_json_demands() {
        let json = r#"{"\u0061 b":"caf\u00e9 \ud83e\udd80 \/ \" \\ \u000a \u0001 \\"}"#;
        let compact = "{\"a b\":\"caf\u{e9} \u{1f980} / \\\" \\\\ \\n \\u0001 \\\\\"}";
        assert_eq!(compacted(json).unwrap(), compact);
    }

    #[test]
    fn half_a_surrogate_pair_is_refused() {
        assert!(compacted(r#"{"a":"\ud83e"}"#).is_err());
    }
}
