//! The golden net: every event of fixed runs, as text in `tests/golden/*.snap`. A commit that moves code changes no
//! byte of them. A commit that mends a behaviour shows its mend there.
//!
//! A change here is a change for everybody who keeps plans. One command writes all texts anew, those of the other binaries
//! included: this one, `bugs`, `conformance`, and the tour's `code`.
//!
//! ```text
//! INSTA_UPDATE=always cargo test --test golden --test bugs --test conformance --test code golden
//! ```

mod backup;
mod backups;
mod kept;
mod orders;
mod rare;
mod run_text;
mod seeds;
mod steps;
