//! [`Tale`]: one run of the tour, told.

use durasim::{Run, Time};

/// A run that is worth reading: where, which faults, and what to look for.
#[derive(Clone, Copy, Debug)]
pub struct Tale {
    /// The stop.
    pub workflow: &'static str,
    /// The faults.
    pub plan: &'static str,
    /// What to look for.
    pub words: &'static str,
    /// From when on it is interesting, in seconds.
    pub from: u64,
}

/// A worker crashes, and another attempt resumes.
pub const CRASH_AND_RESUME: Tale = Tale {
    workflow: "resilient_processing",
    plan: "process_large_file#1@1:await17=crash",
    words: "\
The heartbeat after chunk 15 was recorded but still held back by the worker, so the service knows of 12 chunks.
The second attempt resumes there: chunks 13 to 16 are done again, none is lost, and the result is the same.",
    from: 60,
};

impl Tale {
    /// The part of the run's timeline that matters.
    pub fn timeline(&self, run: &Run) -> String {
        folded(&run.timeline().between(Time::from_millis(self.from * 1000), Time::MAX).to_string())
    }
}

/// A timeline in which lines that differ in nothing but their time, more than three in a row, become the first and the last
/// of them.
pub fn folded(timeline: &str) -> String {
    let happening = |line: &str| line.split_once("s  ").map(|(_, happening)| happening.to_owned());
    let lines: Vec<&str> = timeline.lines().collect();
    let mut text = String::new();
    for alike in lines.chunk_by(|line, next| happening(line).is_some() && happening(line) == happening(next)) {
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
    fn what_happens_again_and_again_is_told_twice() {
        let line = |second: u32, what: &str| format!("  {second}.000s  copy#1@1  {what}\n");
        let timeline = ["a", "b", "b", "c", "c", "c", "c"].iter().zip(1..).map(|(what, at)| line(at, what));
        let expected = [line(1, "a"), line(2, "b"), line(3, "b"), line(4, "c"), line(7, "c (4 in a row)")];
        assert_eq!(folded(&timeline.collect::<String>()), expected.concat());
    }
}
