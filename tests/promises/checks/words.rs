//! A run that passes puts no key into words.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use durasim::{ActivityContext, ActivityError, Exploration, Ledger, Simulation, WorkflowContext, WorkflowError, check};

use super::violates;

static FORMATTED: AtomicUsize = AtomicUsize::new(0);

/// A key that counts how often it is put into words.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row(u32);

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        FORMATTED.fetch_add(1, Ordering::Relaxed);
        write!(f, "row {}", self.0)
    }
}

#[derive(Default)]
struct Table {
    rows: Ledger<Row>,
}

/// Writes rows and resumes; a table that `forgets` leaves a row out of a retry that begins after the third.
fn copying(forgets: bool) -> Exploration {
    let copy = async move |ctx: &ActivityContext, (): ()| -> Result<(), ActivityError> {
        let table = durasim::state::<Table>();
        let from = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
        for row in from..6 {
            durasim::time::sleep(Duration::from_secs(5)).await;
            if table.rows.count(&Row(row)) == 0 && !(forgets && from == 3 && row == 4) {
                table.rows.record(Row(row));
            }
            ctx.heartbeat(&(row + 1))?;
        }
        Ok(())
    };
    let main = async move |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        ctx.execute_activity("copy", &(), super::asked_for::heartbeating()).await
    };
    let simulation = Simulation::temporal().activity("copy", copy).workflow("main", main).state(Table::default);
    simulation.no_heartbeat_throttle().explore("main", &()).every_fault()
}

#[test]
fn a_run_that_passes_puts_no_key_into_words() {
    let formatted = |exploration: Exploration| {
        let before = FORMATTED.load(Ordering::Relaxed);
        let report = exploration.report();
        let runs: u64 = report.parts().iter().map(|part| part.tally.runs).sum();
        assert!(report.holds() && runs > 50, "{report}");
        FORMATTED.load(Ordering::Relaxed) - before
    };
    // The ledgers that are compared unasked keep the keys of the run without faults in words.
    assert_eq!(formatted(copying(false)), 6);
    let rows = || check::effects(|table: &Table| &table.rows);
    let asked = copying(false)
        .check(rows().repeats_at_most(6).covered_by("copy", |done: &u32, row: &Row| row.0 < *done))
        .check(rows().normalize(|_: &mut Row| ()).named("normalized").repeats_at_most(6))
        .check(rows().not_redone("copy").named("not redone"));
    assert_eq!(formatted(asked), 0);
    // The words are there where they are needed.
    violates(copying(true), "ledgers", "lost");
    assert!(copying(true).report().failures()[0].violation.message.contains("the effect row 4 of a ledger of `Table`"));
}
