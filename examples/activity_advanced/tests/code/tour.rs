//! The tour tells the truth about itself: all runs hold, every outcome of a run is shown, and neither depends on the
//! number of threads.

use activity_advanced::stops::{STOPS, simulation};
use activity_advanced::tour::overview::Overview;
use activity_advanced::tour::row::Row;
use durasim::Dialect;

fn table(dialect: Dialect, seeds: u64) -> Overview {
    Overview::new(Row::of_each(&STOPS, &simulation(dialect), 0..seeds).unwrap())
}

#[track_caller]
fn assert_holds(table: &Overview) {
    let failures: String = table.rows().iter().flat_map(Row::failures).map(|failed| failed.text.clone()).collect();
    assert!(table.holds(), "{table}\n{failures}");
}

#[test]
fn everything_holds_and_each_outcome_is_shown() {
    let table = table(Dialect::Temporal, 1000);
    assert_holds(&table);
    let numbers: Vec<_> = table.rows().iter().map(|row| row.outcomes).collect();
    let outcomes = numbers.into_iter().reduce(|sum, other| sum.and(other)).unwrap();
    let shown = serde_json::to_value(outcomes).unwrap();
    for (outcome, runs) in shown.as_object().unwrap() {
        assert!(runs.as_u64().unwrap() > 0, "{outcome} is shown by no run:\n{table}");
    }
}

#[test]
fn everything_holds_in_cadence_too() {
    assert_holds(&table(Dialect::Cadence, 200));
}

#[test]
fn the_number_of_threads_makes_no_difference() {
    let simulation = simulation(Dialect::Temporal);
    let alone = STOPS.iter().map(|stop| Row::of(stop, &simulation, 0..50).unwrap()).collect();
    let together = Row::of_each(&STOPS, &simulation, 0..50).unwrap();
    assert_eq!(Overview::new(alone).to_string(), Overview::new(together).to_string());
}
