//! [`Observable`]: a thing that a workflow observes, as the faults of an order name it.

use std::fmt;

use super::point::Site;

/// A thing that a workflow observes, numbered as the workflow itself counts. The faults [`Behind`](super::Fault::Behind) and
/// [`NextTask`](super::Fault::NextTask) hold something until it has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Observable {
    /// The N-th timer that the workflow has started fires, from 1. Text: `timer2`.
    Timer(u32),
    /// The N-th signal that was sent to the workflow arrives, from 1. Text: `signal1`.
    Signal(u32),
    /// The N-th activity that the workflow has scheduled closes, from 1, whatever its type. Text: `activity3`.
    Activity(u32),
    /// The workflow hears that the N-th child that it has asked for has closed, or cannot start, from 1. Text: `child1`.
    Child(u32),
    /// The workflow is asked to cancel. Text: `cancel`.
    Cancel,
}

impl Observable {
    /// The spellings of all of them, for messages.
    pub(super) const SPELLINGS: &str = "timerN, signalN, activityN, childN and cancel";

    /// The thing that a plan spells with this word and number, 0 if none follows. `None` if there is no such word, or if a
    /// number is missing or stands where none belongs.
    pub(super) fn spelled(word: &str, number: u32) -> Option<Observable> {
        match (word, number) {
            ("cancel", 0) => Some(Observable::Cancel),
            (_, 0) => None,
            ("timer", number) => Some(Observable::Timer(number)),
            ("signal", number) => Some(Observable::Signal(number)),
            ("activity", number) => Some(Observable::Activity(number)),
            ("child", number) => Some(Observable::Child(number)),
            _ => None,
        }
    }

    /// The thing that comes at this site of a workflow, or can only come after that.
    pub(crate) fn at(site: Site) -> Option<Observable> {
        match site {
            Site::Timer(number) => Some(Observable::Timer(number)),
            Site::Signal(number) => Some(Observable::Signal(number)),
            Site::Child(number) | Site::ChildEnd(number) => Some(Observable::Child(number)),
            _ => None,
        }
    }

    /// Its number, 0 if it has none.
    pub(super) fn number(self) -> u32 {
        match self {
            Observable::Timer(number)
            | Observable::Signal(number)
            | Observable::Activity(number)
            | Observable::Child(number) => number,
            Observable::Cancel => 0,
        }
    }

    /// The thing of the same kind with this number.
    pub(super) fn with_number(self, number: u32) -> Observable {
        match self {
            Observable::Timer(_) => Observable::Timer(number),
            Observable::Signal(_) => Observable::Signal(number),
            Observable::Activity(_) => Observable::Activity(number),
            Observable::Child(_) => Observable::Child(number),
            Observable::Cancel => Observable::Cancel,
        }
    }
}

/// Writes it as plans spell it: `timer2`.
impl fmt::Display for Observable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Observable::Timer(number) => write!(f, "timer{number}"),
            Observable::Signal(number) => write!(f, "signal{number}"),
            Observable::Activity(number) => write!(f, "activity{number}"),
            Observable::Child(number) => write!(f, "child{number}"),
            Observable::Cancel => f.write_str("cancel"),
        }
    }
}
