//! The golden net: every event of fixed runs, as text in `tests/golden/*.snap`. What moves code changes no byte of them; what
//! mends a behaviour shows there what it mends.
//!
//! A change here is a change for everybody who keeps plans. One command writes all texts anew, those of the other binaries
//! included: this one, `bugs`, `conformance`, and the tour's `golden` and `planted_bugs`.
//!
//! ```text
//! INSTA_UPDATE=always cargo test --test golden --test bugs --test conformance --test planted_bugs golden
//! ```

mod backup;
mod backups;
mod kept;
mod orders;
mod rare;
mod run_text;
mod seeds;
mod steps;
