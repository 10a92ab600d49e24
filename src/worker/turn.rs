//! [`Turn`]: one workflow task in the form in which the code takes it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use crate::program::{Activation, Command, Job, LocalActivityMarker, Time};

/// One workflow task at a time: its news, and the commands that the code then gives. It is kept for the memory of its
/// lists.
pub(crate) struct Turn {
    /// The clock is the time at which the task was started; `replaying` is the answer when the code asks.
    pub(crate) activation: Activation,
    pub(crate) commands: Vec<Command>,
    /// The events after the answer of a task that an earlier instance has answered; empty for the task at hand.
    pub(crate) answer: Range<usize>,
    /// The ends of local activities that the answer has recorded, in their order.
    pub(crate) recorded: VecDeque<Arc<LocalActivityMarker>>,
}

impl Turn {
    /// Makes an empty turn in the memory of this one.
    pub(crate) fn emptied(self) -> Turn {
        let Turn { activation: Activation { mut jobs, .. }, mut commands, .. } = self;
        jobs.clear();
        commands.clear();
        Turn::with_lists(jobs, commands)
    }

    fn with_lists(jobs: Vec<Job>, commands: Vec<Command>) -> Turn {
        let activation = Activation::new(Time::ZERO, jobs);
        Turn { activation, commands, answer: 0..0, recorded: VecDeque::new() }
    }
}

impl Default for Turn {
    fn default() -> Turn {
        Turn::with_lists(Vec::new(), Vec::new())
    }
}
