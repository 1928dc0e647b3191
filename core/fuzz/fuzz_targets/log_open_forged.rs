#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::log_open_forged(data));
