//! The service and the worker behave as Temporal's do, and decide as Temporal's and Cadence's do.
//!
//! Two things are compared, and no rule is written down here: this test translates, asks, plays, and compares.
//!
//! - **Rules**: `data/rules.json` holds single decisions as input and expected answer, most of them transcribed from
//!   upstream tests, which each row names. Each row is put to the crate's own functions, or played on the service.
//! - **Recordings**: `data/temporal-server-1.32` holds scenarios with the behaviour of a real Temporal Server 1.32, and
//!   `data/temporal-server-1.32-second` others that were recorded on a slow machine, most of them drawn by a seed.
//!   Each is played on the service, by itself or under a whole simulation, and everything observed is compared but
//!   absolute times. The indexes say which outcomes are races on the real server; `exceptions.rs` says which others cannot
//!   agree, and why.
//!
//! The recorded histories are replayed too, as a user replays those of production: `histories`.
//!
//! `cargo test --test conformance -- --nocapture` ends with one line for each group of scenarios, and one for the rules.
//! The variable `CONFORMANCE_DATA` names a folder of scenarios, or a rules file, which is looked at instead.

mod bench;
mod cadence;
mod exceptions;
mod golden;
mod histories;
#[path = "../golden/kept.rs"]
mod kept;
mod options;
mod pace;
mod raw;
mod recording;
mod recordings;
mod report;
mod retry;
mod row;
mod rules;
#[path = "../golden/run_text.rs"]
mod run_text;
mod script;
mod sdk;
#[path = "../snapshot/mod.rs"]
mod snapshot;
mod source;
mod story;
mod timeout;
mod trace;
mod vocabulary;
mod worker;

use std::io::Write as _;

use report::Report;
use source::Source;

#[test]
fn behaves_as_recorded() {
    let source = Source::from_environment();
    let mut report = Report::default();
    for scenario in source.scenarios() {
        let verdict = recordings::judge(&scenario);
        report.add(&scenario, verdict);
    }
    if let Some(rules) = source.rules() {
        report.add_rules(&rules::judge(&rules));
    }
    // This is written past the test harness, which swallows the output of a passing test.
    std::io::stdout().lock().write_all(report.to_string().as_bytes()).unwrap();
    assert!(report.disagreements.is_empty(), "{} fields disagree", report.disagreements.len());
    if source.is_own() {
        snapshot::assert_kept("conformance", &report.summary());
    }
}
