//! JavaScript values as arguments: read strictly, and refused with a message that
//! names the parameter and the value.

use std::fmt;

use causelog::{Dot, Metadata, Moment, NodeId, Result, RowId, RowIdPart, Timestamp, Uuid};
use napi::bindgen_prelude::{
    BigInt, ClassInstance, FromNapiValue, JavaScriptClassExt, JsObjectValue, MaybeTypeTag, Object, Unknown,
};
use napi::{Env, JsDate, JsString, JsValue, ValueType};

use crate::error::invalid;

/// The largest integer that a JavaScript number holds exactly.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;
const NANOSECONDS_PER_MILLISECOND: i128 = 1_000_000;

/// A value from JavaScript and what to call it in a message.
#[derive(Clone, Copy)]
pub(crate) struct Argument<'a> {
    value: Unknown<'a>,
    path: Path<'a>,
}

/// Where a value was found: `change`, `change.rowId`, `changes[3].table`.
#[derive(Clone, Copy)]
enum Path<'a> {
    Parameter(&'a str),
    Member(&'a Path<'a>, &'a str),
    Element(&'a Path<'a>, u32),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Parameter(name) => f.write_str(name),
            Path::Member(owner, name) => write!(f, "{owner}.{name}"),
            Path::Element(owner, index) => write!(f, "{owner}[{index}]"),
        }
    }
}

/// What to call the value in a message.
impl fmt::Display for Argument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

/// The fields of an object that is looked into once for all of them.
pub(crate) struct Fields<'m, 'a> {
    owner: &'m Argument<'a>,
    object: Object<'a>,
    in_order: bool,
}

impl<'m, 'a> Fields<'m, 'a> {
    /// The field `name`, which is the one at `place` where they come in order.
    pub(crate) fn get(&self, place: u32, name: &'m str) -> Result<Argument<'m>>
    where
        'a: 'm,
    {
        let value = if self.in_order {
            self.object.get_element::<Unknown<'a>>(place)
        } else {
            self.object.get_named_property::<Unknown<'a>>(name)
        };
        let value = value.map_err(|error| self.owner.unreadable(&error))?;
        Ok(Argument { value, path: Path::Member(&self.owner.path, name) })
    }
}

impl<'a> Argument<'a> {
    /// The argument that the documentation calls `name`.
    pub(crate) fn new(name: &'a str, value: Unknown<'a>) -> Self {
        Argument { value, path: Path::Parameter(name) }
    }

    /// Refuses the value: `rowId must be …, got …`.
    pub(crate) fn refuse(&self, expected: &str) -> causelog::Error {
        invalid(format!("{} must be {expected}, got {}", self.path, Preview(self.value)))
    }

    /// Node-API could not read the value: a getter or a proxy trap has thrown.
    fn unreadable(&self, error: &napi::Error) -> causelog::Error {
        invalid(format!("{} cannot be read: {}", self.path, error.reason))
    }

    fn kind(&self) -> ValueType {
        self.value.get_type().unwrap_or(ValueType::Unknown)
    }

    fn cast<T: FromNapiValue>(&self) -> Result<T> {
        // SAFETY: every caller has asked for the value's type before naming `T`.
        unsafe { self.value.cast() }.map_err(|error| self.unreadable(&error))
    }

    /// Whether the value was left out: `undefined` or `null`.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self.kind(), ValueType::Undefined | ValueType::Null)
    }

    /// What `read` makes of the value, unless it was left out.
    pub(crate) fn optional<T>(&self, read: impl FnOnce(&Self) -> Result<T>) -> Result<Option<T>> {
        if self.is_absent() { Ok(None) } else { read(self).map(Some) }
    }

    pub(crate) fn object(&self) -> Result<Object<'a>> {
        match self.kind() {
            ValueType::Object if !self.is_array() => self.cast(),
            _ => Err(self.refuse("an object")),
        }
    }

    /// The property `name` of the object that this value must be.
    pub(crate) fn member<'m>(&'m self, name: &'m str) -> Result<Argument<'m>> {
        let value = self.object()?.get_named_property::<Unknown<'a>>(name);
        let value = value.map_err(|error| self.unreadable(&error))?;
        Ok(Argument { value, path: Path::Member(&self.path, name) })
    }

    /// Fields of the object that this value must be, or of an array that has them in a certain order.
    pub(crate) fn fields<'m>(&'m self) -> Result<Fields<'m, 'a>> {
        let in_order = self.is_array();
        let object = if in_order { self.cast()? } else { self.object()? };
        Ok(Fields { owner: self, object, in_order })
    }

    /// Refuses an object with an own property that is none of `known`: a misspelt option must not pass for absent.
    pub(crate) fn only(&self, known: &[&str]) -> Result<()> {
        let keys = Object::keys(&self.object()?).map_err(|error| self.unreadable(&error))?;
        match keys.iter().find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let known = known.join(", ");
                Err(invalid(format!("{} has no property {key:?}: known are {known}", self.path)))
            }
        }
    }

    fn is_array(&self) -> bool {
        self.value.is_array().unwrap_or(false)
    }

    /// What `read` makes of every element of the array that this value must be.
    pub(crate) fn list<'m, T>(
        &'m self,
        expected: &str,
        read: impl Fn(&Argument<'m>) -> Result<T>,
    ) -> Result<Vec<T>> {
        if !self.is_array() {
            return Err(self.refuse(expected));
        }
        let array: Object<'a> = self.cast()?;
        let length = array.get_array_length().map_err(|error| self.unreadable(&error))?;
        let element = |index| {
            let value = array.get_element::<Unknown<'a>>(index).map_err(|error| self.unreadable(&error))?;
            read(&Argument { value, path: Path::Element(&self.path, index) })
        };
        (0..length).map(element).collect()
    }

    /// The two elements of the array that this value is, if it is one of two.
    pub(crate) fn pair(&self) -> Result<Option<[Argument<'_>; 2]>> {
        if !self.is_array() {
            return Ok(None);
        }
        let array: Object<'a> = self.cast()?;
        if array.get_array_length().map_err(|error| self.unreadable(&error))? != 2 {
            return Ok(None);
        }
        let element = |index| {
            let value = array.get_element::<Unknown<'a>>(index).map_err(|error| self.unreadable(&error))?;
            Ok(Argument { value, path: Path::Element(&self.path, index) })
        };
        Ok(Some([element(0)?, element(1)?]))
    }

    pub(crate) fn text(&self) -> Result<String> {
        if self.kind() != ValueType::String {
            return Err(self.refuse("a string"));
        }
        let text: String = self.cast()?;
        // Node-API writes U+FFFD for half a surrogate pair; such text must not pass as another.
        if text.contains('\u{fffd}') {
            let string: JsString<'a> = self.cast()?;
            let units = string.into_utf16().map_err(|error| self.unreadable(&error))?;
            if String::from_utf16(units.as_slice()).is_err() {
                return Err(self.refuse("well-formed text"));
            }
        }
        Ok(text)
    }

    /// The path of a directory.
    pub(crate) fn directory(&self) -> Result<String> {
        let path = self.text()?;
        if path.is_empty() || path.contains('\0') {
            return Err(self.refuse("the path of a directory"));
        }
        Ok(path)
    }

    pub(crate) fn boolean(&self) -> Result<bool> {
        match self.kind() {
            ValueType::Boolean => self.cast(),
            _ => Err(self.refuse("a boolean")),
        }
    }

    /// A number that is not NaN.
    pub(crate) fn number(&self) -> Result<f64> {
        match self.kind() {
            ValueType::Number => self.cast::<f64>().ok().filter(|number| !number.is_nan()),
            _ => None,
        }
        .ok_or_else(|| self.refuse("a number"))
    }

    /// A whole number given exactly, as bigint or safe integer.
    fn integer(&self) -> Result<Option<i128>> {
        match self.kind() {
            ValueType::BigInt => {
                let big: BigInt = self.cast()?;
                let [word] = big.words.as_slice() else { return Ok(None) };
                let magnitude = i128::from(*word);
                Ok(Some(if big.sign_bit { -magnitude } else { magnitude }))
            }
            ValueType::Number => {
                let number: f64 = self.cast()?;
                let exact = number.fract() == 0.0 && number.abs() <= MAX_SAFE_INTEGER;
                Ok(exact.then_some(number as i128))
            }
            _ => Ok(None),
        }
    }

    /// A sequence, an LSN or a limit.
    pub(crate) fn counter(&self) -> Result<u64> {
        let counter = self.integer()?.and_then(|integer| u64::try_from(integer).ok());
        counter.ok_or_else(|| self.refuse("a bigint from 0n to 2n ** 64n - 1n or a safe integer"))
    }

    /// A signed number of nanoseconds.
    pub(crate) fn nanoseconds(&self) -> Result<i64> {
        let nanoseconds = self.integer()?.and_then(|integer| i64::try_from(integer).ok());
        nanoseconds.ok_or_else(|| self.refuse("nanoseconds as a signed 64-bit bigint or a safe integer"))
    }

    /// A signed integer of 64 bits.
    pub(crate) fn signed(&self) -> Result<i64> {
        let signed = self.integer()?.and_then(|integer| i64::try_from(integer).ok());
        signed.ok_or_else(|| self.refuse("a signed 64-bit bigint or a safe integer"))
    }

    /// The version of something.
    pub(crate) fn version(&self) -> Result<u32> {
        let version = self.integer()?.and_then(|integer| u32::try_from(integer).ok());
        version.ok_or_else(|| self.refuse("a whole number from 0 to 2 ** 32 - 1"))
    }

    /// A moment. A bare number is refused: nobody could tell its unit.
    pub(crate) fn timestamp(&self) -> Result<Timestamp> {
        let nanoseconds = match self.kind() {
            ValueType::BigInt => self.integer()?,
            ValueType::Object if self.value.is_date().unwrap_or(false) => {
                let milliseconds = self.cast::<JsDate<'a>>()?.value_of().unwrap_or(f64::NAN);
                (!milliseconds.is_nan()).then_some(milliseconds as i128 * NANOSECONDS_PER_MILLISECOND)
            }
            _ => None,
        };
        let nanoseconds = nanoseconds.and_then(|nanoseconds| i64::try_from(nanoseconds).ok());
        let moment = nanoseconds.map(Timestamp::from_nanoseconds);
        moment.ok_or_else(|| {
            self.refuse("a Date or a bigint of nanoseconds since 1970, in the years 1677 to 2262")
        })
    }

    /// The moment of an object that has it as `timestampNs`, exactly, or as `timestamp`.
    pub(crate) fn moment(&self) -> Result<Timestamp> {
        let (exact, rounded) = (self.member("timestampNs")?, self.member("timestamp")?);
        let Some(moment) = exact.optional(Argument::timestamp)? else { return rounded.timestamp() };
        let milliseconds = |moment: Timestamp| moment.nanoseconds().div_euclid(1_000_000);
        match rounded.optional(Argument::timestamp)? {
            Some(other) if milliseconds(other) != milliseconds(moment) => {
                Err(rounded.refuse(&format!("left out or the same moment as {}", exact.path)))
            }
            _ => Ok(moment),
        }
    }

    /// How much of a log counts: up to an LSN, up to a time, or all of it.
    pub(crate) fn at(&self) -> Result<Moment> {
        let expected = "an LSN as a bigint or a safe integer, a Date, { timestampNs }, or left out for what is there now";
        match self.kind() {
            ValueType::Undefined | ValueType::Null => Ok(Moment::Now),
            ValueType::Number | ValueType::BigInt => {
                self.counter().map(Moment::Lsn).map_err(|_| self.refuse(expected))
            }
            ValueType::Object if self.value.is_date().unwrap_or(false) => self.timestamp().map(Moment::Time),
            ValueType::Object if !self.is_array() => {
                self.only(&["timestampNs"])?;
                self.member("timestampNs")?.timestamp().map(Moment::Time)
            }
            _ => Err(self.refuse(expected)),
        }
    }

    pub(crate) fn uuid(&self) -> Result<Uuid> {
        let uuid = match self.kind() {
            ValueType::String => Uuid::try_parse(&self.text()?).ok(),
            _ => None,
        };
        uuid.ok_or_else(|| self.refuse("a UUID as a string"))
    }

    pub(crate) fn node(&self) -> Result<NodeId> {
        self.uuid()
    }

    pub(crate) fn dot(&self) -> Result<Dot> {
        if self.kind() != ValueType::Object {
            return Err(self.refuse("a dot, { node, sequence }"));
        }
        Ok(Dot::new(self.member("node")?.node()?, self.member("sequence")?.counter()?))
    }

    /// The one of `all` whose name this is.
    pub(crate) fn one_of<T: Copy>(&self, all: &[T], name: impl Fn(T) -> &'static str) -> Result<T> {
        let text = if self.kind() == ValueType::String { self.text()? } else { String::new() };
        all.iter().copied().find(|value| name(*value) == text).ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|value| format!("{:?}", name(*value))).collect();
            self.refuse(&format!("one of {}", names.join(", ")))
        })
    }

    fn is_bytes(&self) -> bool {
        // A `Uint8Array` or one of its kind, but no array of wider numbers, whose bytes would depend on the machine.
        self.kind() == ValueType::Object
            && self.value.is_typedarray().unwrap_or(false)
            // SAFETY: reading borrows the array only for this look at its kind.
            && unsafe { self.value.cast::<&[u8]>() }.is_ok()
    }

    pub(crate) fn bytes(&self) -> Result<Vec<u8>> {
        if !self.is_bytes() {
            return Err(self.refuse("a Buffer or Uint8Array"));
        }
        self.cast::<&[u8]>().map(<[u8]>::to_vec)
    }

    pub(crate) fn row_id(&self) -> Result<RowId> {
        if self.is_array() {
            return RowId::tuple(self.list("an array", Argument::row_id_part)?)
                .map_err(|error| error.context(self.path));
        }
        self.row_id_part().map(RowId::Scalar)
    }

    fn row_id_part(&self) -> Result<RowIdPart> {
        let refuse = || {
            self.refuse("a string, a safe integer, a 64-bit bigint, a Buffer, { uuid } or an array of these")
        };
        match self.kind() {
            ValueType::String => self.text().map(RowIdPart::Text),
            ValueType::Number | ValueType::BigInt => {
                let integer = self.integer()?.and_then(|integer| i64::try_from(integer).ok());
                integer.map(RowIdPart::Integer).ok_or_else(refuse)
            }
            ValueType::Object if self.is_bytes() => self.bytes().map(RowIdPart::Bytes),
            ValueType::Object if !self.is_array() && !self.member("uuid")?.is_absent() => {
                self.member("uuid")?.uuid().map(RowIdPart::Uuid)
            }
            _ => Err(refuse()),
        }
    }

    pub(crate) fn metadata(&self) -> Result<Metadata> {
        let keys = Object::keys(&self.object()?).map_err(|error| self.unreadable(&error))?;
        keys.into_iter()
            .map(|key| {
                let text = self.member(&key)?.text()?;
                Ok((key, text))
            })
            .collect()
    }

    /// The instance of `T` that this value must be; `class` is its name.
    pub(crate) fn instance<T>(&self, class: &str) -> Result<ClassInstance<'a, T>>
    where
        T: JavaScriptClassExt + MaybeTypeTag,
    {
        let env = Env::from_raw(self.value.value().env);
        let is_instance =
            self.kind() == ValueType::Object && T::instance_of(&env, &self.value).unwrap_or(false);
        // The conversion checks the object's type tag, so an impostor with the right prototype is refused as well.
        // SAFETY: the value is an object, which is all that the checked conversion asks for.
        let instance =
            is_instance.then(|| unsafe { self.value.cast::<ClassInstance<'a, T>>() }.ok()).flatten();
        instance.ok_or_else(|| self.refuse(&format!("a {class}")))
    }
}

/// A value as a message can carry it.
struct Preview<'a>(Unknown<'a>);

impl Preview<'_> {
    const LONGEST_TEXT: usize = 64;

    fn coerced(&self) -> String {
        let text = self.0.coerce_to_string().and_then(|text| text.into_utf8()?.into_owned());
        text.unwrap_or_default()
    }
}

impl fmt::Display for Preview<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.get_type().unwrap_or(ValueType::Unknown) {
            ValueType::Undefined => f.write_str("undefined"),
            ValueType::Null => f.write_str("null"),
            ValueType::Boolean | ValueType::Number => f.write_str(&self.coerced()),
            ValueType::BigInt => write!(f, "{}n", self.coerced()),
            ValueType::String => {
                let text = self.coerced();
                let shown: String = text.chars().take(Self::LONGEST_TEXT).collect();
                write!(f, "{shown:?}")?;
                if shown.len() < text.len() {
                    write!(f, "… ({} bytes)", text.len())?;
                }
                Ok(())
            }
            ValueType::Symbol => f.write_str("a symbol"),
            ValueType::Function => f.write_str("a function"),
            _ if self.0.is_array().unwrap_or(false) => f.write_str("an array"),
            _ if self.0.is_date().unwrap_or(false) => f.write_str("a Date"),
            _ => f.write_str("an object"),
        }
    }
}
