#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::append_remote(data));
