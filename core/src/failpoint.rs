//! Places where a test can make a build with the `failpoints` feature panic on
//! purpose. Without the feature, which no release has, they compile to nothing.

/// Panics if the environment variable `CAUSELOG_FAILPOINT` holds this name.
#[cfg(feature = "failpoints")]
#[allow(clippy::panic)]
pub(crate) fn reached(name: &str) {
    if std::env::var_os("CAUSELOG_FAILPOINT").is_some_and(|wanted| wanted == name) {
        panic!("failpoint {name} reached");
    }
}

#[cfg(not(feature = "failpoints"))]
pub(crate) fn reached(_name: &str) {}
