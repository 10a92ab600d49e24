//! How often the checks are wrong about corrected code, with many pairs and seeds.
//!
//! `cargo test --release --test bugs -- --ignored --nocapture alarms`

use durasim::Exploration;

/// Makes the exploration of corrected code.
type Corrected = fn() -> Exploration;

/// The code without its bug.
const TWINS: [(&str, Corrected); 15] = [
    ("last_step_is_done_again", super::last_step_is_done_again::twin),
    ("checkpoint_before_the_work", super::checkpoint_before_the_work::twin),
    ("earlier_results_are_missing", super::earlier_results_are_missing::twin),
    ("result_is_made_in_the_loop", super::result_is_made_in_the_loop::twin),
    ("goes_on_near_the_deadline", super::goes_on_near_the_deadline::twin),
    ("heartbeats_only_when_it_divides", super::heartbeats_only_when_it_divides::twin),
    ("checkpoint_is_never_read", super::checkpoint_is_never_read::twin),
    ("background_heartbeat_erases_the_checkpoint", super::background_heartbeat_erases_the_checkpoint::twin),
    ("input_is_deleted_whatever_happens", super::input_is_deleted_whatever_happens::twin),
    ("heartbeat_timeout_without_heartbeats", super::heartbeat_timeout_without_heartbeats::twin),
    ("limit_moves_with_every_retry", super::limit_moves_with_every_retry::twin),
    ("cancel_is_swallowed", super::cancel_is_swallowed::twin),
    ("money_is_given_back_twice", super::money_is_given_back_twice::twin),
    ("order_of_a_hash_map", super::order_of_a_hash_map::twin),
    ("zombie_writes_last", super::zombie_writes_last::twin),
];

/// Pairs and seeds of each.
const PAIRS: u64 = 20_000;
const SEEDS: u64 = 10_000;

#[test]
#[ignore = "a measurement: run it with --release and --nocapture"]
fn alarms() {
    let mut alarms = 0;
    for (name, corrected) in TWINS {
        let report = corrected().every_fault().every_pair().budget(PAIRS).seeds(0..SEEDS).report();
        assert!(report.error().is_none(), "{name}: {report}");
        let (mut runs, mut failed) = (0, 0);
        for part in report.parts() {
            runs += part.tally.runs;
            failed += part.tally.failed;
        }
        println!("{name:<46} {runs:>7} runs, {failed} alarms");
        report.failures().iter().for_each(|failure| println!("{}", failure.text));
        alarms += failed;
    }
    assert_eq!(alarms, 0);
}
