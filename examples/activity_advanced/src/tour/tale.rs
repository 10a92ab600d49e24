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
        folded(&run.timeline().between(Time::from_millis(self.from * 1000), Time::MAX).to_string())
    }
}

/// A timeline in which lines that differ in nothing but their time, more than three in a row, become the first and the last
/// of them.
pub fn folded(timeline: &str) -> String {
    let without_time = |line: &str| line.split_once("s  ").map(|(_, event)| event.to_owned());
    let lines: Vec<&str> = timeline.lines().collect();
    let mut text = String::new();
    for alike in lines.chunk_by(|line, next| without_time(line).is_some() && without_time(line) == without_time(next)) {
        match alike {
            [first, _, _, .., last] => text += &format!("{first}\n{last} ({} in a row)\n", alike.len()),
            few => few.iter().for_each(|line| text += &format!("{line}\n")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lines_in_a_row_become_two() {
        let line = |second: u32, what: &str| format!("  {second}.000s  copy#1@1  {what}\n");
        let timeline = ["a", "b", "b", "c", "c", "c", "c"].iter().zip(1..).map(|(what, at)| line(at, what));
        let expected = [line(1, "a"), line(2, "b"), line(3, "b"), line(4, "c"), line(7, "c (4 in a row)")];
        assert_eq!(folded(&timeline.collect::<String>()), expected.concat());
    }
}
