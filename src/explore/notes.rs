//! [`tell`]: what the environment leads to, told to whoever runs the tests.

use std::sync::Mutex;

use crate::world::stderr::say;

/// Tells whoever runs the tests what the environment leads to, once in a process.
pub(super) fn tell(what: &str) {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let Ok(mut told) = TOLD.lock() else { return };
    if !told.iter().any(|other| other == what) {
        told.push(what.to_owned());
        say(what);
    }
}
