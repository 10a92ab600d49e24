//! [`Site`]: a position in an attempt or a workflow where something can go wrong.

use std::fmt;

/// A position within one attempt, one activity's retry loop, or one workflow run where something can go wrong. Numbers
/// count from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Site {
    /// The service hands the attempt's task to a worker.
    Dispatch,
    /// The attempt returned `Pending` for the N-th time.
    Await(u32),
    /// The attempt does its N-th [`effect`](crate::effect()).
    Effect(u32),
    /// The attempt records its N-th heartbeat.
    Heartbeat(u32),
    /// The attempt's deadline, which falls around its N-th await.
    ///
    /// Where the deadline is the activity's schedule-to-close timeout, the attempt is dispatched later, so that its
    /// awaits and heartbeats keep their distances. A run without these faults, made beforehand, shows how much later.
    /// Otherwise the attempt is not polled from its await before until the time is right. This is the way for a
    /// start-to-close timeout, which moves along with the dispatch, and always under
    /// [`Simulation::drive`](crate::Simulation::drive), whose script runs only once.
    Deadline(u32),
    /// The worker reports how the attempt ended.
    Completion,
    /// The attempt waits for its successor.
    Backoff,
    /// The N-th workflow task of a run.
    Task(u32),
    /// The N-th signal sent to a run.
    Signal(u32),
    /// The N-th timer of a run, in the order in which its code started them, fires.
    Timer(u32),
    /// The N-th child of a run, in the order in which its code asked for them, starts.
    Child(u32),
    /// A run hears that its N-th child has closed.
    ChildEnd(u32),
    /// The N-th signal or request to cancel that a run sends to another workflow arrives.
    Message(u32),
    /// The N-th update sent to a run arrives.
    Update(u32),
    /// The code of a run has ended the N-th update sent to it.
    UpdateEnd(u32),
}

impl Site {
    /// A number for its kind, whatever its own number.
    pub(crate) fn kind(self) -> u8 {
        match self {
            Site::Dispatch => 0,
            Site::Await(_) => 1,
            Site::Effect(_) => 2,
            Site::Heartbeat(_) => 3,
            Site::Deadline(_) => 4,
            Site::Completion => 5,
            Site::Backoff => 6,
            Site::Task(_) => 7,
            Site::Signal(_) => 8,
            Site::Timer(_) => 9,
            Site::Child(_) => 10,
            Site::ChildEnd(_) => 11,
            Site::Message(_) => 12,
            Site::Update(_) => 13,
            Site::UpdateEnd(_) => 14,
        }
    }

    /// The same kind of site, whatever its number.
    pub(crate) fn without_number(self) -> Site {
        match self {
            Site::Await(_) => Site::Await(0),
            Site::Effect(_) => Site::Effect(0),
            Site::Heartbeat(_) => Site::Heartbeat(0),
            Site::Deadline(_) => Site::Deadline(0),
            Site::Task(_) => Site::Task(0),
            Site::Signal(_) => Site::Signal(0),
            Site::Timer(_) => Site::Timer(0),
            Site::Child(_) => Site::Child(0),
            Site::ChildEnd(_) => Site::ChildEnd(0),
            Site::Message(_) => Site::Message(0),
            Site::Update(_) => Site::Update(0),
            Site::UpdateEnd(_) => Site::UpdateEnd(0),
            Site::Dispatch | Site::Completion | Site::Backoff => self,
        }
    }

    /// The site in a plan, without its number.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Site::Dispatch => "dispatch",
            Site::Await(_) => "await",
            Site::Effect(_) => "effect",
            Site::Heartbeat(_) => "heartbeat",
            Site::Deadline(_) => "deadline",
            Site::Completion => "completion",
            Site::Backoff => "backoff",
            Site::Task(_) => "task",
            Site::Signal(_) => "signal",
            Site::Timer(_) => "timer",
            Site::Child(_) => "child",
            Site::ChildEnd(_) => "child_end",
            Site::Message(_) => "message",
            Site::Update(_) => "update",
            Site::UpdateEnd(_) => "update_end",
        }
    }

    /// Says whether this is a site of a workflow rather than of an attempt.
    pub fn is_workflow(self) -> bool {
        matches!(
            self,
            Site::Task(_)
                | Site::Signal(_)
                | Site::Timer(_)
                | Site::Child(_)
                | Site::ChildEnd(_)
                | Site::Message(_)
                | Site::Update(_)
                | Site::UpdateEnd(_)
        )
    }
}

impl Site {
    /// The spellings of all sites, for messages.
    pub(in crate::fault) const SPELLINGS: &str = "dispatch, awaitN, effectN, heartbeatN, deadlineN, completion, backoff, and taskN, signalN, timerN, childN, child_endN, messageN, updateN, update_endN of a workflow";

    /// The site that a plan spells with this word. `number` is the number that follows the word, 0 if none does. Gives
    /// `None` if there is no such word, or if a number stands where none belongs.
    pub(in crate::fault) fn spelled(word: &str, number: u32) -> Option<Site> {
        Some(match (word, number) {
            ("dispatch", 0) => Site::Dispatch,
            ("completion", 0) => Site::Completion,
            ("backoff", 0) => Site::Backoff,
            ("await", n) => Site::Await(n),
            ("effect", n) => Site::Effect(n),
            ("heartbeat", n) => Site::Heartbeat(n),
            ("deadline", n) => Site::Deadline(n),
            ("task", n) => Site::Task(n),
            ("signal", n) => Site::Signal(n),
            ("timer", n) => Site::Timer(n),
            ("child", n) => Site::Child(n),
            ("child_end", n) => Site::ChildEnd(n),
            ("message", n) => Site::Message(n),
            ("update", n) => Site::Update(n),
            ("update_end", n) => Site::UpdateEnd(n),
            _ => return None,
        })
    }

    /// The number of a site that has one.
    pub(crate) fn number(self) -> Option<u32> {
        match self {
            Site::Await(n)
            | Site::Effect(n)
            | Site::Heartbeat(n)
            | Site::Deadline(n)
            | Site::Task(n)
            | Site::Signal(n)
            | Site::Timer(n)
            | Site::Child(n)
            | Site::ChildEnd(n)
            | Site::Message(n)
            | Site::Update(n)
            | Site::UpdateEnd(n) => Some(n),
            Site::Dispatch | Site::Completion | Site::Backoff => None,
        }
    }

    /// The site of the same kind with this number; a site without a number stays as it is.
    pub(crate) fn with_number(self, number: u32) -> Site {
        match self {
            Site::Await(_) => Site::Await(number),
            Site::Effect(_) => Site::Effect(number),
            Site::Heartbeat(_) => Site::Heartbeat(number),
            Site::Deadline(_) => Site::Deadline(number),
            Site::Task(_) => Site::Task(number),
            Site::Signal(_) => Site::Signal(number),
            Site::Timer(_) => Site::Timer(number),
            Site::Child(_) => Site::Child(number),
            Site::ChildEnd(_) => Site::ChildEnd(number),
            Site::Message(_) => Site::Message(number),
            Site::Update(_) => Site::Update(number),
            Site::UpdateEnd(_) => Site::UpdateEnd(number),
            Site::Dispatch | Site::Completion | Site::Backoff => self,
        }
    }
}

/// Writes the site as plans spell it: `await5`.
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self.number() {
            Some(number) => write!(f, "{number}"),
            None => Ok(()),
        }
    }
}
