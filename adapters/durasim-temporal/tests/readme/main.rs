//! The code of the README of the project and of `docs/from-a-worker-to-a-test.md`, as it stands there:
//! `tests/promises/readme.rs` of durasim compares the texts.

mod backup;
mod starter;
mod starter_test;
mod test;
#[allow(dead_code, reason = "it needs a server; here it only has to compile")]
mod worker;
