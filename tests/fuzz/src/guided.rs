//! Hands a property to libFuzzer, which is linked into the test's own program. Its arguments come from
//! `ASKPRO_FUZZ_ARGS`, its program's name (by which it starts itself again) from `ASKPRO_FUZZ_PROGRAM`.
#![allow(unsafe_code, reason = "libFuzzer is C++ and calls us with a pointer and a length")]

use std::{
    env,
    ffi::{CString, c_char, c_int},
    ptr, slice,
    sync::OnceLock,
};

use libfuzzer_sys as _;

type Callback = unsafe extern "C" fn(*const u8, usize) -> c_int;

unsafe extern "C" {
    fn LLVMFuzzerRunDriver(argc: *mut c_int, argv: *mut *mut *mut c_char, callback: Callback) -> c_int;
}

static PROPERTY: OnceLock<fn(&[u8])> = OnceLock::new();

/// Runs until libFuzzer has had enough; what a property panics at ends the process and is kept by libFuzzer.
pub(crate) fn run(property: fn(&[u8])) {
    PROPERTY.get_or_init(|| property);
    let text = |name: &str| env::var(name).unwrap_or_default();
    let (program, arguments) = (text("ASKPRO_FUZZ_PROGRAM"), text("ASKPRO_FUZZ_ARGS"));
    let words = [program.as_str()].into_iter().chain(arguments.split_whitespace());
    let words: Vec<CString> = words.filter_map(|word| CString::new(word).ok()).collect();
    let mut pointers: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    let mut count = c_int::try_from(pointers.len()).unwrap_or_default();
    pointers.push(ptr::null_mut());
    let mut argv = pointers.as_mut_ptr();
    // SAFETY: both point to what lives until the call is over; argv ends with a null as main's does.
    let code = unsafe { LLVMFuzzerRunDriver(&raw mut count, &raw mut argv, once) };
    assert_eq!(code, 0, "libFuzzer ended with {code}");
}

/// # Safety
/// `data` has `size` bytes, which nobody changes meanwhile.
unsafe extern "C" fn once(data: *const u8, size: usize) -> c_int {
    // SAFETY: as libFuzzer promises; of an empty input the pointer may be null.
    let input = if size == 0 { &[] } else { unsafe { slice::from_raw_parts(data, size) } };
    if let Some(property) = PROPERTY.get() {
        property(input);
    }
    0
}

/// Asked for by the library's own entry, which is not ours.
#[unsafe(no_mangle)]
extern "Rust" fn rust_fuzzer_test_input(_: &[u8]) -> i32 {
    0
}
