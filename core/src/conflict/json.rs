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
