//! Bug 15: an attempt that stood still for long goes on beside its successor, and writes older data over newer.

use std::cell::RefCell;
use std::time::Duration;

use durasim::trace::What;
use durasim::{ActivityContext, ActivityError, ActivityFn, Exploration, Run, Time, check};

use super::simulation;

const ROW: Duration = Duration::from_secs(5);

/// A table in which each row says which attempt wrote it (first, second, ..), and when.
#[derive(Default)]
struct Table {
    writes: RefCell<Vec<(u32, u32, Time)>>,
}

impl Table {
    fn last(&self, row: u32) -> Option<u32> {
        self.writes.borrow().iter().rev().find(|(written, ..)| *written == row).map(|(_, by, _)| *by)
    }

    fn write(&self, row: u32, by: u32) -> Result<(), ActivityError> {
        Ok(durasim::effect("write", || self.writes.borrow_mut().push((row, by, durasim::time::now())))?)
    }

    /// Writes a row, unless a later attempt has written it.
    fn write_if_newer(&self, row: u32, by: u32) -> Result<(), ActivityError> {
        if self.last(row).is_some_and(|last| last > by) {
            return Err(ActivityError::non_retryable("another attempt has taken over"));
        }
        self.write(row, by)
    }
}

async fn with_bug(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let table = durasim::state::<Table>();
    for row in 0..rows {
        durasim::time::sleep(ROW).await;
        table.write(row, ctx.get_info().attempt)?;
        ctx.heartbeat(&())?;
    }
    Ok(format!("{rows} rows"))
}

async fn corrected(ctx: &ActivityContext, rows: u32) -> Result<String, ActivityError> {
    let table = durasim::state::<Table>();
    for row in 0..rows {
        durasim::time::sleep(ROW).await;
        table.write_if_newer(row, ctx.get_info().attempt)?;
        ctx.heartbeat(&())?;
    }
    Ok(format!("{rows} rows"))
}

fn explored(copy: impl ActivityFn<u32, String>) -> Exploration {
    let newest_wins = check::named("newest_wins", |run: &Run| {
        let table = run.state::<Table>();
        let writes = table.writes.borrow();
        for (place, (row, by, at)) in writes.iter().enumerate() {
            let newer = writes[..place].iter().find(|(other, before, _)| other == row && before > by);
            if let Some((_, before, _)) = newer {
                let message = format!("row {row} is of attempt {before}, and attempt {by} writes over it");
                let events = run.trace().events().iter().enumerate();
                let written = events.filter(|(_, event)| event.at == *at && matches!(event.what, What::Effect { .. }));
                let proof: Vec<usize> = written.map(|(place, _)| place).collect();
                return Err(check::Violation::new("older over newer", message).proved_by(proof));
            }
        }
        Ok(())
    })
    .all_runs();
    let simulation = simulation().activity("copy", copy).state(Table::default);
    simulation.explore("copying", &8).check(newest_wins).check(check::same_result())
}

pub fn planted() -> Exploration {
    explored(with_bug).named("zombie_writes_last")
}

pub fn twin() -> Exploration {
    explored(corrected)
}
