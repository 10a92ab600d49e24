//! [`Found`]: a planted bug, and how it was found.

use std::fmt;
use std::time::{Duration, Instant};

use durasim::Dialect;
use durasim::explore::{Failed, Report};
use durasim::fault::Order;

use crate::broken::Bug;

/// A planted bug, and how it was found.
#[derive(Debug)]
pub struct Found<'a> {
    bug: &'a Bug,
    dialect: Dialect,
    report: Report,
    elapsed: Duration,
}

impl Found<'_> {
    /// Plants the bug and makes a run for every fault. `None` if all of them hold.
    pub fn find(bug: &Bug, dialect: Dialect) -> Option<Found<'_>> {
        let started = Instant::now();
        let report = bug.stop().judged(&bug.planted(dialect)).every_fault().report();
        let found = Found { bug, dialect, report, elapsed: started.elapsed() };
        found.failed().is_some().then_some(found)
    }

    /// The failure that is shown: one of the check that is there for this kind of bug, or else the first.
    pub fn failed(&self) -> Option<&Failed> {
        let failures = self.report.failures();
        failures.iter().find(|failed| failed.check == self.bug.check).or_else(|| failures.first())
    }

    /// The command that shows the whole run.
    fn command(&self, failed: &Failed) -> String {
        let dialect = if self.dialect == Dialect::Cadence { " --dialect=cadence" } else { "" };
        let number = self.bug.number;
        let plan = &failed.plan;
        // A plan of faults alone has seed 0 and takes ready tasks in their order.
        let plan = if plan.entries.is_empty() || (plan.seed, plan.order) != (0, Order::Fifo) {
            plan.to_string()
        } else {
            plan.entries.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        format!("    cargo run -p activity_advanced -- --break={number}{dialect} \\\n      --plan '{plan}'")
    }
}

/// The lines have at most 80 columns.
impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(failed) = self.failed() else { return Ok(()) };
        let Bug { number, about, activity, words, file, .. } = self.bug;
        let faults = match failed.plan.entries.len() {
            0 => "without any fault".to_owned(),
            1 => "with one fault".to_owned(),
            many => format!("with {many} faults"),
        };
        writeln!(f, "Found: bug {number}, {about}.\n")?;
        writeln!(f, "It was planted in {activity}.")?;
        writeln!(f, "The check `{}` noticed it {faults}, in {:.1?}.\n", failed.check, self.elapsed)?;
        // The command below its frame is for tests: it would run the code without the bug.
        let story = failed.text.rsplit_once("╰─").map_or(&*failed.text, |(story, _)| story);
        writeln!(f, "{story}╰{}\n", "─".repeat(79))?;
        writeln!(f, "{words}\n\nThe code: examples/activity_advanced/{file}\n")?;
        write!(f, "To see the whole run:\n\n{}", self.command(failed))
    }
}
