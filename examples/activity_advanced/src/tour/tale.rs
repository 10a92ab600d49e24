//! [`Tale`]: one run of the tour that is shown in full.

use durasim::{Run, Time};

/// A run that is worth reading.
#[derive(Clone, Copy, Debug)]
pub struct Tale {
    /// The workflow of the stop.
    pub workflow: &'static str,
    /// The faults.
    pub plan: &'static str,
    /// An explanation, in lines of at most 80 columns.
    pub words: &'static str,
    /// The time from which on it is interesting, in seconds.
    pub from: u64,
}

/// A worker crashes, and another attempt resumes.
pub const CRASH_AND_RESUME: Tale = Tale {
    workflow: "resilient_processing",
    plan: "process_large_file#1@1:await17=crash",
    words: "\
The heartbeat after chunk 15 was recorded but still held back by the worker, so
the service knows of 12 chunks. The second attempt resumes there: chunks 13 to
16 are done again, none is lost, and the result is the same.",
    from: 60,
};

impl Tale {
    /// The command that replays the run, in lines of at most 80 columns.
    pub fn command(&self) -> String {
        let Tale { workflow, plan, .. } = self;
        format!("    cargo run -p activity_advanced -- --workflow {workflow} \\\n      --plan '{plan}'")
    }

    /// The part of the run's timeline that matters.
    pub fn timeline(&self, run: &Run) -> String {
        run.timeline().between(Time::from_millis(self.from * 1000), Time::MAX).to_string()
    }
}
