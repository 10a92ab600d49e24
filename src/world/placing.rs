//! Keeping the lines of user code behind the events of a run that is made to be told of.

use super::core::Core;
use super::run::Run;
use super::running::{Running, Tag};
use crate::program::Command;
use crate::program::places::{self, Asked, Called, Places};
use crate::service::{ActivityKey, WorkflowKey};
use crate::trace::{AttemptKey, Event, What, Who};

impl Core {
    /// Keeps the place of the next event of the trace, which is this one.
    pub(super) fn keep_place(&mut self, who: Who, what: What) {
        let places = match (who, what) {
            (Who::Attempt(attempt), _) => Some(self.places_of_attempt(attempt)),
            (Who::Activity(activity), What::Scheduled(_)) => self.place_of_command(activity, Asked::Activity),
            (Who::Activity(activity), What::ActivityCancelRequested) => {
                self.place_of_command(activity, Asked::CancelActivity)
            }
            (Who::Activity(activity), _) => {
                self.activities[activity].latest_attempt().map(|attempt| self.places_of_attempt(attempt))
            }
            (Who::Workflow(workflow), What::TimerStarted { timer, .. }) => self.command(workflow, Asked::Timer(timer)),
            (Who::Workflow(workflow), What::TimerCanceled(timer)) => self.command(workflow, Asked::CancelTimer(timer)),
            // This is a script's call.
            (Who::Workflow(_), _) if matches!(self.running(), Running::Task(_, Tag::Script)) => Some(places::present()),
            (Who::Workflow(workflow), _) => Some(*self.workflows[workflow].places()),
            _ => None,
        };
        let event = self.trace.events().len();
        if let (Some(places), Some(kept)) = (places, &mut self.event_places) {
            kept.keep(event, places);
        }
    }

    /// Gives how far an attempt's code has come, or the task of it that runs now.
    pub(super) fn places_of_attempt(&self, attempt: AttemptKey) -> Places {
        if self.running_attempt() == Some(attempt) { places::present() } else { *self.attempts[attempt].places() }
    }

    fn place_of_command(&self, activity: ActivityKey, asked: impl Fn(u32) -> Asked) -> Option<Places> {
        let workflow = self.service.activity(activity).workflow();
        let scheduled = self.service.workflow(workflow).activities();
        let (seq, _) = scheduled.iter().rev().find(|(_, key)| *key == activity)?;
        self.command(workflow, asked(*seq))
    }

    fn command(&self, workflow: WorkflowKey, asked: Asked) -> Option<Places> {
        self.event_places.as_ref()?.of_command(workflow, asked)
    }

    /// Keeps the calls by which the workflow that was activated last asks for these commands.
    pub(super) fn keep_places_of_commands(&mut self, workflow: WorkflowKey, commands: &[Command]) {
        let Some(kept) = &mut self.event_places else { return };
        for command in commands {
            if let (Some(asked), Some(call)) = (Asked::of(command), places::asked_by(command)) {
                kept.keep_command(workflow, asked, call);
            }
        }
    }
}

impl Run {
    /// Gives the call that an event is the note of, or that led to it, if the run has kept that.
    pub(crate) fn call_of(&self, event: usize) -> Option<Called> {
        let events = self.trace().events();
        let Event { who, what, .. } = *events.get(event)?;
        let called = match what {
            What::HeartbeatRecorded(_)
            | What::DetailsUndecoded(_)
            | What::HeartbeatAfterEnd
            | What::Effect { .. }
            | What::Scheduled(_)
            | What::ActivityCancelRequested
            | What::TimerStarted { .. }
            | What::TimerCanceled(_) => event,
            // It was recorded before.
            What::HeartbeatSent(_) | What::HeartbeatVisible(_) => {
                let is_recorded = |event: &Event| event.who == who && matches!(event.what, What::HeartbeatRecorded(_));
                events[..event].iter().rposition(is_recorded)?
            }
            _ => return None,
        };
        self.places_of(called)?.call()
    }

    /// Gives how far the code had come that an event is about, if the run has kept that.
    pub(crate) fn places_of(&self, event: usize) -> Option<Places> {
        self.event_places()?.of_event(event)
    }
}
