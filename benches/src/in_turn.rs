//! [`InTurn`]: two sides that take turns.

use criterion::Bencher;

use crate::clock::{Clock, SAMPLES};
use crate::cpu_time::{self, median};

/// The number of times that both sides were called in turn, and the CPU time of one call of each.
struct Round {
    calls: u64,
    /// The time of one call in seconds.
    reference: f64,
    subject: f64,
}

/// A subject that criterion measures, and a reference that takes turns with it: if the machine is slow for a while,
/// both are slow.
#[derive(Default)]
pub struct InTurn(Vec<Round>);

/// The outcome of criterion's samples.
pub struct Compared {
    /// Medians, in seconds.
    pub reference: f64,
    pub subject: f64,
    /// The median of the samples' ratios.
    pub ratio: f64,
}

impl InTurn {
    /// Calls both as often as criterion asks for, and tells it the time of the subject.
    pub fn measure(
        &mut self,
        bencher: &mut Bencher<'_, Clock>,
        mut reference: impl FnMut(),
        mut subject: impl FnMut(),
    ) {
        bencher.iter_custom(|calls| {
            let times = [cpu_time::of(calls, &mut reference), cpu_time::of(calls, &mut subject)];
            let [reference, subject] = times.map(|time| time.as_secs_f64() / calls as f64);
            self.0.push(Round { calls, reference, subject });
            times[1]
        });
    }

    /// Gives `None` where criterion was asked for something else than to measure this.
    pub fn compared(&self) -> Option<Compared> {
        // The rounds of the warm-up are of other lengths.
        let calls = self.0.last()?.calls;
        let samples: Vec<&Round> = self.0.iter().filter(|round| round.calls == calls).collect();
        let median = |of: fn(&Round) -> f64| median(samples.iter().map(|round| of(round)).collect());
        (samples.len() >= SAMPLES / 4).then(|| Compared {
            reference: median(|round| round.reference),
            subject: median(|round| round.subject),
            ratio: median(|round| round.subject / round.reference),
        })
    }
}
