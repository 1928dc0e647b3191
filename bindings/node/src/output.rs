//! What the library returns, as JavaScript values.

use causelog::{Metadata, Timestamp};
use napi::bindgen_prelude::{
    BigInt, BufferSlice, JsObjectValue, Object, Property, PropertyAttributes, Result, ToNapiValue, TypeName,
};
use napi::{Env, JsValue, ValueType, sys};
use napi_derive::napi;

/// Gives a type the name that a promise or an optional value of it asks for.
macro_rules! value_type {
    ($type:ident $(<$parameter:ident>)?, $kind:ident) => {
        impl $(<$parameter>)? TypeName for $type $(<$parameter>)? {
            fn type_name() -> &'static str {
                stringify!($type)
            }

            fn value_type() -> ValueType {
                ValueType::$kind
            }
        }
    };
}
pub(crate) use value_type;

/// The identity of one change: the node that made it, and the how-manieth of that
/// node's changes it is. A transaction is named by the dot of its last change.
#[napi(object, object_from_js = false)]
pub struct Dot {
    /// UUID of the node.
    pub node: String,
    /// The node's own gap-free counter, from 1.
    pub sequence: u64,
}

impl From<causelog::Dot> for Dot {
    fn from(dot: causelog::Dot) -> Self {
        Dot { node: dot.node.to_string(), sequence: dot.sequence }
    }
}

/// A moment as a `Date`, rounded down to milliseconds.
pub struct Moment(pub(crate) Timestamp);

value_type!(Moment, Object);

impl ToNapiValue for Moment {
    unsafe fn to_napi_value(env: sys::napi_env, moment: Self) -> Result<sys::napi_value> {
        let milliseconds = moment.0.nanoseconds().div_euclid(1_000_000);
        Ok(Env::from_raw(env).create_date(milliseconds as f64)?.raw())
    }
}

/// A moment as a bigint of nanoseconds since 1970.
pub struct Nanoseconds(pub(crate) Timestamp);

value_type!(Nanoseconds, BigInt);

impl ToNapiValue for Nanoseconds {
    unsafe fn to_napi_value(env: sys::napi_env, moment: Self) -> Result<sys::napi_value> {
        let nanoseconds = BigInt::from(moment.0.nanoseconds());
        // SAFETY: the caller vouches for `env`.
        unsafe { ToNapiValue::to_napi_value(env, nanoseconds) }
    }
}

/// A count of things that are held somewhere, as a number: 2⁵³ of anything do not fit a log.
pub struct Count(pub(crate) u64);

value_type!(Count, Number);

impl ToNapiValue for Count {
    unsafe fn to_napi_value(env: sys::napi_env, count: Self) -> Result<sys::napi_value> {
        // SAFETY: the caller vouches for `env`.
        unsafe { ToNapiValue::to_napi_value(env, count.0 as f64) }
    }
}

/// A position in a log, as a bigint, where a promise asks for a type that has a name.
pub struct Lsn(pub(crate) u64);

value_type!(Lsn, BigInt);

impl ToNapiValue for Lsn {
    unsafe fn to_napi_value(env: sys::napi_env, lsn: Self) -> Result<sys::napi_value> {
        // SAFETY: the caller vouches for `env`.
        unsafe { ToNapiValue::to_napi_value(env, lsn.0) }
    }
}

/// Bytes as a `Buffer` of its own.
pub struct Bytes(pub(crate) Vec<u8>);

value_type!(Bytes, Object);

impl ToNapiValue for Bytes {
    unsafe fn to_napi_value(env: sys::napi_env, bytes: Self) -> Result<sys::napi_value> {
        Ok(BufferSlice::copy_from(&Env::from_raw(env), bytes.0)?.raw())
    }
}

/// An object with keys that come from outside.
pub struct Record<T>(pub(crate) Vec<(String, T)>);

value_type!(Record<T>, Object);

impl<T: ToNapiValue> ToNapiValue for Record<T> {
    unsafe fn to_napi_value(env: sys::napi_env, record: Self) -> Result<sys::napi_value> {
        let env = Env::from_raw(env);
        let mut object = Object::new(&env)?;
        // Defined, not assigned: assigning the key `__proto__` would do something else.
        let attributes =
            PropertyAttributes::Writable | PropertyAttributes::Enumerable | PropertyAttributes::Configurable;
        let properties = record.0.into_iter().map(|(key, value)| {
            let property = Property::new().with_utf8_name(&key)?.with_napi_value(&env, value)?;
            Ok(property.with_property_attributes(attributes))
        });
        object.define_properties(&properties.collect::<Result<Vec<_>>>()?)?;
        Ok(object.raw())
    }
}

impl From<Metadata> for Record<String> {
    fn from(metadata: Metadata) -> Self {
        Record(metadata.into_iter().collect())
    }
}

/// An object fresh from a log that holds `declared` bytes outside the JavaScript heap. V8 hears
/// of them, so that it collects it in time though it is only a small object to it.
pub struct Fresh<T> {
    pub(crate) object: T,
    pub(crate) declared: i64,
}

value_type!(Fresh<T>, Object);

impl<T: ToNapiValue> ToNapiValue for Fresh<T> {
    unsafe fn to_napi_value(env: sys::napi_env, fresh: Self) -> Result<sys::napi_value> {
        Env::from_raw(env).adjust_external_memory(fresh.declared)?;
        // SAFETY: the caller vouches for `env`.
        unsafe { ToNapiValue::to_napi_value(env, fresh.object) }
    }
}
