//! Each workflow of the tour holds under every fault, under pairs of faults, and under the random faults of 10,000
//! seeds. The tests keep how many runs survive, and in how many faults used up what the options allow. A change of
//! these numbers is a change of a fault, the service or the code.

use activity_advanced::stops::{Stop, simulation};
use durasim::Dialect;

/// Pairs for each workflow: a few seconds.
const PAIRS: u64 = 5_000;

#[track_caller]
fn holds(workflow: &str) {
    let stop = Stop::of(workflow).expect("a workflow of the tour");
    let exploration =
        stop.judged(&simulation(Dialect::Temporal)).every_fault().every_pair().budget(PAIRS).seeds(0..10_000);
    let report = exploration.report();
    let texts: Vec<&str> = report.failures().iter().map(|failed| failed.text.as_str()).collect();
    assert!(report.holds(), "{}\n{report}", texts.join("\n"));
    insta::with_settings!(
        { snapshot_path => "../../snapshots", prepend_module_to_snapshot => false, omit_expression => true },
        { insta::assert_snapshot!(format!("explored_{workflow}"), report.to_string()) }
    );
}

#[test]
fn resilient_processing() {
    holds("resilient_processing");
}

#[test]
fn file_processing() {
    holds("file_processing");
}

#[test]
fn file_processing_with_retries() {
    holds("file_processing_with_retries");
}

#[test]
fn data_migration() {
    holds("data_migration");
}

#[test]
fn data_migration_with_retries() {
    holds("data_migration_with_retries");
}

#[test]
fn deadline_aware() {
    holds("deadline_aware");
}

#[test]
fn deadline_aware_with_retries() {
    holds("deadline_aware_with_retries");
}

#[test]
fn skip_at_a_signal() {
    holds("skip_at_a_signal");
}
