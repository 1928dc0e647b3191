//! Gives the shared library a versioned name, which cargo does not.
//!
//! Programs then ask the loader for the version they were linked with. Before 1.0 a
//! minor version may change the interface, so it is part of the name.

use std::env::var;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let part = |name: &str| var(format!("CARGO_PKG_VERSION_{name}")).unwrap_or_default();
    let (major, minor) = (part("MAJOR"), part("MINOR"));
    let interface = if major == "0" { format!("0.{minor}") } else { major };
    match var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux") => println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libcauselog.so.{interface}"),
        Ok("macos") => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libcauselog.{interface}.dylib");
        }
        _ => {}
    }
}
