//! [`Holds`]: what a workflow would observe, held until something else has come.
//!
//! A hold is a message in flight (a report, a signal), a timer of the service that is late, or a task that waits for a worker.
//! The service knows nothing of it, and its own timeouts go on. So a hold ends before anything times out while it lasts: the
//! fault is then [in vain](InVain), and counts as not struck.

use super::in_vain::{InVain, PATIENCE};
use super::network::{BetweenKey, LateSignalKey};
use crate::fault::{Fault, Observable, Point};
use crate::program::{Seq, Table, key};
use crate::service::{Ready, WorkflowKey};
use crate::trace::{AttemptKey, FaultKey, Who};
use crate::worker::message::Message;

key! {
    /// Which of the holds of a run.
    pub(crate) struct HoldKey;
}

/// The thing that is held.
#[derive(Debug)]
pub(super) enum HeldBack {
    /// The report of an attempt, once its worker has sent it.
    Report(AttemptKey, Option<Message>),
    Signal(LateSignalKey),
    Between(BetweenKey),
    Timer(Seq),
    /// A task that no worker has taken.
    Task(Ready),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// The other thing has not come.
    Waits,
    /// The other thing has come, and the workflow task of this number takes it in.
    Seen(u32),
    /// It goes on next, since the other has come, or in vain.
    Goes {
        came: bool,
    },
    Gone,
}

/// A hold of something that a workflow would observe.
#[derive(Debug)]
pub(super) struct Hold {
    workflow: WorkflowKey,
    who: Who,
    fault: FaultKey,
    other: Observable,
    next_task: bool,
    /// Other things that the workflow has observed meanwhile.
    passed: u32,
    state: State,
    held: Option<HeldBack>,
}

impl Hold {
    /// A hold of this thing of a workflow until `other` has come to it. The fault has struck under this key, at `who`.
    pub(super) fn new(
        workflow: WorkflowKey,
        (who, key): (Who, FaultKey),
        fault: Fault,
        other: Observable,
        held: HeldBack,
    ) -> Hold {
        let next_task = matches!(fault, Fault::NextTask(_));
        Hold { workflow, who, fault: key, other, next_task, passed: 0, state: State::Waits, held: Some(held) }
    }
}

/// The end of a hold: the thing goes on.
pub(super) struct End {
    pub(super) workflow: WorkflowKey,
    pub(super) who: Who,
    pub(super) fault: FaultKey,
    pub(super) came: bool,
    pub(super) held: Option<HeldBack>,
}

/// The holds of a run.
#[derive(Debug, Default)]
pub(super) struct Holds {
    all: Table<HoldKey, Hold>,
    /// Those that have not gone on.
    open: u32,
    /// A plan holds tasks that no worker has taken.
    has_tasks: bool,
    in_vain: Vec<(Point, InVain)>,
}

impl Holds {
    /// The holds of a run that begins. `has_tasks` says whether its plan holds tasks that no worker has taken.
    pub(super) fn new(has_tasks: bool) -> Holds {
        Holds { has_tasks, ..Holds::default() }
    }

    /// Says whether nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// Says whether a task that no worker has taken may have to be held.
    pub(super) fn has_tasks(&self) -> bool {
        self.has_tasks
    }

    pub(super) fn begin(&mut self, hold: Hold) -> HoldKey {
        self.open += 1;
        self.all.push(hold)
    }

    /// The fault of a hold.
    pub(super) fn fault(&self, key: HoldKey) -> FaultKey {
        self.all[key].fault
    }

    /// The faults that were in vain, by the points at which they struck.
    pub(super) fn in_vain(&self) -> &[(Point, InVain)] {
        &self.in_vain
    }

    /// Notes that the fault at this point was in vain.
    pub(super) fn note_in_vain(&mut self, point: Point, why: InVain) {
        self.in_vain.push((point, why));
    }

    /// Something has come to a workflow, and the task of this number takes it in. Gives the holds that end with that, and
    /// says of each whether it is in vain.
    pub(super) fn observed(
        &mut self,
        workflow: WorkflowKey,
        what: Observable,
        task: u32,
    ) -> Vec<(HoldKey, Option<InVain>)> {
        let waiting = self.all.iter_mut().filter(|(_, hold)| hold.workflow == workflow && hold.state == State::Waits);
        let ends = waiting.filter_map(|(key, hold)| {
            if hold.other != what {
                hold.passed += 1;
                return (hold.passed > PATIENCE).then_some((key, Some(InVain::Passed)));
            }
            if hold.next_task {
                hold.state = State::Seen(task);
                return None;
            }
            Some((key, None))
        });
        ends.collect()
    }

    /// The task of this number is given out again, and takes in all that has come to the workflow by now.
    pub(super) fn repeated(&mut self, workflow: WorkflowKey, task: u32) {
        for hold in self.all.values_mut().filter(|hold| hold.workflow == workflow) {
            if matches!(hold.state, State::Seen(_)) {
                hold.state = State::Seen(task);
            }
        }
    }

    /// The holds that end now that the tasks of a workflow before this one are answered.
    pub(super) fn answered(&self, workflow: WorkflowKey, next: u32) -> Vec<HoldKey> {
        let is_due = |hold: &Hold| hold.workflow == workflow && matches!(hold.state, State::Seen(task) if task < next);
        self.all.iter().filter(|(_, hold)| is_due(hold)).map(|(key, _)| key).collect()
    }

    /// The holds that end since a workflow has closed: what is held comes too late, or in vain.
    pub(super) fn closed(&self, workflow: WorkflowKey) -> Vec<(HoldKey, Option<InVain>)> {
        let of_it = self.all.iter().filter(|(_, hold)| hold.workflow == workflow);
        let ends = of_it.filter_map(|(key, hold)| match (hold.state, &hold.held) {
            (State::Waits, _) => Some((key, Some(InVain::Closed(workflow)))),
            (State::Seen(_), Some(HeldBack::Signal(_))) => Some((key, Some(InVain::Refused(workflow)))),
            (State::Seen(_), _) => Some((key, None)),
            (State::Goes { .. } | State::Gone, _) => None,
        });
        ends.collect()
    }

    /// Those whose end is not decided.
    pub(super) fn undecided(&self) -> Vec<HoldKey> {
        let is_undecided = |hold: &Hold| matches!(hold.state, State::Waits | State::Seen(_));
        self.all.iter().filter(|(_, hold)| is_undecided(hold)).map(|(key, _)| key).collect()
    }

    /// Says whether a timer of this workflow is held.
    pub(super) fn has_timer_of(&self, workflow: WorkflowKey) -> bool {
        let is_its = |hold: &Hold| hold.workflow == workflow && matches!(hold.held, Some(HeldBack::Timer(_)));
        self.all.values().any(is_its)
    }

    /// Keeps the report of an attempt, if that is held. Gives it back otherwise.
    pub(super) fn keep_report(&mut self, message: Message) -> Option<Message> {
        let is_its = |held: &&mut HeldBack| matches!(held, HeldBack::Report(whose, None) if *whose == message.attempt);
        match self.all.values_mut().filter_map(|hold| hold.held.as_mut()).find(is_its) {
            Some(held) => {
                *held = HeldBack::Report(message.attempt, Some(message));
                None
            }
            None => Some(message),
        }
    }

    /// The hold of the report of an attempt, if its end is not decided.
    pub(super) fn of_report(&self, attempt: AttemptKey) -> Option<HoldKey> {
        let is_its =
            |key: &HoldKey| matches!(self.all[*key].held, Some(HeldBack::Report(whose, _)) if whose == attempt);
        self.undecided().into_iter().find(is_its)
    }

    /// The end of a hold is decided: the other thing has come, or it is in vain.
    pub(super) fn goes(&mut self, key: HoldKey, came: bool) {
        self.all[key].state = State::Goes { came };
    }

    /// A hold ends, once.
    pub(super) fn end(&mut self, key: HoldKey) -> Option<End> {
        let hold = &mut self.all[key];
        let State::Goes { came } = hold.state else { return None };
        hold.state = State::Gone;
        self.open -= 1;
        let Hold { workflow, who, fault, .. } = *hold;
        Some(End { workflow, who, fault, came, held: hold.held.take() })
    }
}
