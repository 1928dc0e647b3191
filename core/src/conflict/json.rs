//! Payloads as JSON objects, field by field: what is not touched stays as it was written.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use hashbrown::HashMap;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::payload::compact_json;

/// How deep values are looked into; what lies deeper is compared as text.
const MOST_DEEP: usize = 64;

/// The fields of a JSON object in the order in which they are written, each as it is written, without white space.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    /// Those that were removed leave a gap.
    fields: Vec<(String, Option<Field>)>,
    places: HashMap<String, usize>,
}

/// A field's value, as written and in the one form that equal values share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) text: Box<str>,
    pub(crate) canonical: Box<str>,
}

impl Field {
    fn of(raw: &RawValue) -> Field {
        let text = compact_json(raw.get().as_bytes()).unwrap_or_else(|| raw.get().to_owned());
        let canonical = canonical(&text, 0);
        Field { text: text.into(), canonical: canonical.into() }
    }

    /// A value of which only this is known.
    pub(crate) fn canonical(text: String) -> Field {
        Field { canonical: text.clone().into(), text: text.into() }
    }

    /// The value if it is an integer of 64 bits.
    pub(crate) fn integer(&self) -> Option<i64> {
        self.canonical.parse().ok()
    }

    /// The elements, each in its one form, if it is an array.
    pub(crate) fn elements(&self) -> Option<Vec<String>> {
        if !self.canonical.starts_with('[') {
            return None;
        }
        let elements: Vec<&RawValue> = serde_json::from_str(&self.canonical).ok()?;
        Some(elements.into_iter().map(|element| element.get().to_owned()).collect())
    }
}

impl Fields {
    /// The fields of a payload; `None` if it is not a JSON object.
    pub(crate) fn parse(payload: &[u8]) -> Option<Fields> {
        serde_json::from_slice(payload).ok()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Field> {
        self.fields.get(*self.places.get(name)?)?.1.as_ref()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.fields.iter().filter_map(|(name, field)| Some((name.as_str(), field.as_ref()?)))
    }

    /// Sets a field where it stands, or at the end.
    pub(crate) fn set(&mut self, name: &str, field: Field) {
        let next = self.fields.len();
        let place = *self.places.entry_ref(name).or_insert(next);
        match self.fields.get_mut(place) {
            Some((_, known)) => *known = Some(field),
            None => self.fields.push((name.to_owned(), Some(field))),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        let place = self.places.remove(name).and_then(|place| self.fields.get_mut(place));
        if let Some((_, field)) = place {
            *field = None;
        }
    }

    /// The object as compact JSON.
    pub(crate) fn to_json(&self) -> String {
        let mut out = String::from("{");
        for (number, (name, field)) in self.iter().enumerate() {
            if number > 0 {
                out.push(',');
            }
            push_string(&mut out, name);
            out.push(':');
            out.push_str(&field.text);
        }
        out.push('}');
        out
    }
}

/// Of a name that stands there twice the last counts, as nearly every reader of JSON has it.
impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Fields::default();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    fields.set(&name, Field::of(&value));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

fn push_string(out: &mut String, text: &str) {
    // A string can always be written.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// The form that equal values share: objects sorted by name, strings with the escapes that they need, integers exact,
/// other numbers in their shortest form.
fn canonical(text: &str, depth: usize) -> String {
    let text = text.trim();
    if depth > MOST_DEEP {
        return text.to_owned();
    }
    let mut out = String::new();
    match text.as_bytes().first() {
        Some(b'{') => {
            let Ok(fields) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text) else {
                return text.to_owned();
            };
            out.push('{');
            for (number, (name, value)) in fields.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                push_string(&mut out, name);
                out.push(':');
                out.push_str(&canonical(value.get(), depth + 1));
            }
            out.push('}');
        }
        Some(b'[') => {
            let Ok(elements) = serde_json::from_str::<Vec<Box<RawValue>>>(text) else {
                return text.to_owned();
            };
            out.push('[');
            for (number, element) in elements.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                out.push_str(&canonical(element.get(), depth + 1));
            }
            out.push(']');
        }
        Some(b'"') => match serde_json::from_str::<String>(text) {
            Ok(string) => push_string(&mut out, &string),
            Err(_) => return text.to_owned(),
        },
        Some(b'-' | b'0'..=b'9') => return canonical_number(text),
        _ => return text.to_owned(),
    }
    out
}

fn canonical_number(text: &str) -> String {
    if text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) {
        return if text == "-0" { "0".to_owned() } else { text.to_owned() };
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => {
            serde_json::to_string(&number).unwrap_or_else(|_| text.to_owned())
        }
        _ => text.to_owned(),
    }
}

#[derive(Debug, Clone, Copy)]
enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    fn parse(canonical: &str) -> Option<Number> {
        let float = |text: &str| text.parse::<f64>().ok().map(|float| Number::Float(float + 0.0));
        canonical.parse().map(Number::Integer).ok().or_else(|| float(canonical))
    }

    /// By value, exactly: an integer is not rounded to be compared.
    fn compare(self, other: Number) -> Ordering {
        match (self, other) {
            (Number::Integer(a), Number::Integer(b)) => a.cmp(&b),
            (Number::Float(a), Number::Float(b)) => a.total_cmp(&b),
            (Number::Integer(a), Number::Float(b)) => compare_exactly(a, b),
            (Number::Float(a), Number::Integer(b)) => compare_exactly(b, a).reverse(),
        }
    }
}

fn compare_exactly(integer: i128, float: f64) -> Ordering {
    /// 2 to the power of 127.
    const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if float >= BEYOND {
        return Ordering::Less;
    }
    if float < -BEYOND {
        return Ordering::Greater;
    }
    let whole = float.trunc();
    integer.cmp(&(whole as i128)).then_with(|| 0f64.total_cmp(&(float - whole + 0.0)))
}

/// An order of all JSON values: `null`, booleans, numbers by value, strings, arrays, objects.
pub(crate) fn compare(a: &Field, b: &Field) -> Ordering {
    const NUMBER: u8 = 3;
    let rank = |field: &Field| match field.canonical.as_bytes().first() {
        Some(b'n') => 0,
        Some(b'f') => 1,
        Some(b't') => 2,
        Some(b'"') => 4,
        Some(b'[') => 5,
        Some(b'{') => 6,
        _ => NUMBER,
    };
    rank(a).cmp(&rank(b)).then_with(|| match (Number::parse(&a.canonical), Number::parse(&b.canonical)) {
        (Some(a), Some(b)) => a.compare(b),
        _ => string_of(a).cmp(&string_of(b)),
    })
}

/// What a string says, and the text of anything else.
fn string_of(field: &Field) -> String {
    serde_json::from_str::<String>(&field.canonical).unwrap_or_else(|_| field.canonical.to_string())
}

/// Elements of a set in one order, as an array.
pub(crate) fn sorted_array(elements: impl IntoIterator<Item = String>) -> Field {
    let mut fields: Vec<Field> = elements.into_iter().map(Field::canonical).collect();
    fields.sort_by(|a, b| compare(a, b).then_with(|| a.canonical.cmp(&b.canonical)));
    fields.dedup();
    let mut out = String::from("[");
    for (number, field) in fields.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        out.push_str(&field.canonical);
    }
    out.push(']');
    Field::canonical(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field(text: &str) -> Field {
        let object = format!("{{\"f\":{text}}}");
        Fields::parse(object.as_bytes()).unwrap().get("f").unwrap().clone()
    }

    #[test]
    fn equal_values_have_one_form_and_others_have_not() {
        let same = [
            ("1", " 1 "),
            ("0", "-0"),
            ("1.5", "1.50"),
            ("150.0", "1.5e2"),
            (r#""a""#, r#""\u0061""#),
            (r#"{"a":1,"b":[2]}"#, r#"{ "b" : [ 2 ] , "a" : 1 }"#),
        ];
        for (one, other) in same {
            assert_eq!(field(one).canonical, field(other).canonical, "{one} {other}");
        }
        let big = ["123456789012345678901234567890", "123456789012345678901234567891"];
        assert_ne!(field(big[0]).canonical, field(big[1]).canonical, "integers stay exact");
        for (one, other) in [("1", "1.0"), ("1", r#""1""#), ("null", "false"), ("1e400", "2e400")] {
            assert_ne!(field(one).canonical, field(other).canonical, "{one} {other}");
        }
    }

    #[test]
    fn only_objects_have_fields_and_of_a_name_given_twice_the_last_counts() {
        for payload in [&b"[]"[..], b"1", b"", b"{", b"{\"a\":}", b"\xff", b"{} x"] {
            assert!(Fields::parse(payload).is_none(), "{payload:?}");
        }
        let mut fields = Fields::parse(br#"{"a":1,"b": 1.50 ,"a":2}"#).unwrap();
        assert_eq!(fields.to_json(), r#"{"a":2,"b":1.50}"#);
        fields.remove("a");
        fields.set("c", Field::canonical("null".to_owned()));
        fields.set("a", Field::canonical("3".to_owned()));
        assert_eq!(fields.to_json(), r#"{"b":1.50,"c":null,"a":3}"#);
    }

    #[test]
    fn values_nested_without_end_do_not_exhaust_the_stack() {
        let deep = format!("{{\"f\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let _ = Fields::parse(deep.as_bytes());
    }

    #[test]
    fn values_are_ordered_by_kind_and_then_by_value() {
        let ascending = [
            "null",
            "false",
            "true",
            "-1e300",
            "-2",
            "-1.5",
            "0",
            "9007199254740992.5e0",
            "9007199254740993",
            "9007199254740994.0",
            "1e300",
            r#""""#,
            r#""a""#,
            r#""b""#,
            "[1]",
            "{}",
        ];
        for (number, one) in ascending.iter().enumerate() {
            for (other_number, other) in ascending.iter().enumerate() {
                assert_eq!(compare(&field(one), &field(other)), number.cmp(&other_number), "{one} {other}");
            }
        }
    }

    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<i64>().prop_map(|number| number.to_string()),
            (-3i64..3).prop_map(|number| number.to_string()),
            (-3i64..3).prop_map(|number| format!("{number}.0")),
            Just("-0.0".to_owned()),
            (any::<i32>(), -400i32..400).prop_map(|(digits, power)| format!("{digits}e{power}")),
        ]
    }

    proptest! {
        #[test]
        fn numbers_are_in_one_order(a in number(), b in number(), c in number()) {
            let (a, b, c) = (field(&a), field(&b), field(&c));
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            if compare(&a, &b) != Ordering::Greater && compare(&b, &c) != Ordering::Greater {
                prop_assert_ne!(compare(&a, &c), Ordering::Greater);
            }
        }
    }
}
