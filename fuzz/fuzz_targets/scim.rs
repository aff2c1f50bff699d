#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| exeunt_fuzz::answers("scim", data));
