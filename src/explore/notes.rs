//! [`tell`]: what the environment leads to, told to whoever runs the tests.

use std::io::Write;
use std::sync::Mutex;

/// Tells whoever runs the tests what the environment leads to, once in a process. Not by `eprintln!`: libtest takes that and
/// shows it for tests that fail only.
pub(super) fn tell(what: &str) {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let Ok(mut told) = TOLD.lock() else { return };
    if !told.iter().any(|other| other == what) {
        told.push(what.to_owned());
        // Whoever has closed stderr does not want to know.
        let _ = std::io::stderr().write_all(format!("durasim: {what}\n").as_bytes());
    }
}
