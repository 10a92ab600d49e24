//! [`say`]: what durasim says of its own accord.

use std::io::Write;

/// Says something on stderr. Not by `eprintln!`, which libtest keeps until the test has ended, and shows if it failed.
pub(crate) fn say(what: &str) {
    // Whoever has closed stderr does not want to know.
    let _ = std::io::stderr().write_all(format!("durasim: {what}\n").as_bytes());
}
