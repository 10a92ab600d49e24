//! Local activities in the turns of an instance: asked for, cancelled, ended, and recalled from markers.

use std::sync::Arc;

use super::instance::{Instance, TaskProblem};
use super::locals::{LocalDone, LocalWork, Locals, Open, activity_id, cancelled_failure, check, done};
use super::turn::Turn;
use crate::program::{CancellationType, Command, Details, LocalActivityEnd, LocalActivityMarker, Marker, Seq};

impl Instance {
    /// Takes what the worker has to do for local activities.
    pub(crate) fn take_local_work(&mut self) -> Vec<LocalWork> {
        let Locals { open, new, cancelled } = &mut self.locals;
        let run = |seq| open.get(&seq).map(|open| LocalWork::Run { seq, spec: open.spec.clone() });
        let mut work: Vec<LocalWork> = std::mem::take(new).into_iter().filter_map(run).collect();
        let cancel = |(seq, how)| LocalWork::Cancel { seq, how };
        work.extend(std::mem::take(cancelled).into_iter().map(cancel));
        work
    }

    /// Says whether the code waits for a local activity.
    pub(crate) fn has_open_locals(&self) -> bool {
        !self.locals.open.is_empty()
    }

    /// Hands the code the end of a local activity within a turn whose commands are there.
    pub(crate) fn local_done(&mut self, done: LocalDone, turn: &mut Turn) -> Result<(), TaskProblem> {
        let LocalDone { seq, attempt, runtime, first_scheduled_at, end } = done;
        let Some(open) = self.locals.open.get(&seq) else { return Ok(()) };
        let marker = LocalActivityMarker {
            seq,
            activity_id: activity_id(seq, &open.spec),
            activity_type: open.spec.activity.activity_type.clone(),
            attempt,
            // The attempts before the last one do not count, as in sdk-core (recorded scenario `local_max_attempts_2`).
            completed_at: Some(open.asked_at.plus(runtime)),
            first_scheduled_at,
            end,
        };
        self.end_local(Arc::new(marker), turn)
    }

    /// Hands the code the ends that the history knows, in a turn of a replay.
    pub(super) fn recall_locals(&mut self, turn: &mut Turn) -> Result<(), TaskProblem> {
        while let Some(marker) = turn.recorded.pop_front() {
            let is_it = |open: &Open| open.spec.activity.activity_type == marker.activity_type;
            if self.locals.open.get(&marker.seq).is_some_and(is_it) {
                self.end_local(marker, turn)?;
            }
        }
        Ok(())
    }

    /// Records an end, and hands it to the code.
    fn end_local(&mut self, marker: Arc<LocalActivityMarker>, turn: &mut Turn) -> Result<(), TaskProblem> {
        let seq = marker.seq;
        self.locals.open.remove(&seq);
        self.locals.new.retain(|new| *new != seq);
        let (job, now) = (done(&marker), marker.completed_at.unwrap_or(self.now()));
        turn.commands.push(Command::RecordMarker(Marker::LocalActivity(marker)));
        self.activate_more(turn, vec![job], now)
    }

    /// Takes the commands that are for the worker out of a turn. Code that cancels a local activity may get its end at once, and then
    /// asks for more.
    pub(super) fn settle_locals(&mut self, turn: &mut Turn) -> Result<(), TaskProblem> {
        let closes = turn.commands.last().is_some_and(Command::closes_workflow);
        let mut jobs = Vec::new();
        let asked = std::mem::take(&mut turn.commands);
        for command in asked {
            match command {
                Command::ScheduleLocalActivity { seq, spec } => {
                    check(&spec)?;
                    self.locals.open.insert(seq, Open { spec, asked_at: self.now() });
                    self.locals.new.push(seq);
                }
                Command::CancelLocalActivity { seq } => {
                    if let Some(marker) = self.cancel_local(seq) {
                        jobs.push(done(&marker));
                        turn.commands.push(Command::RecordMarker(Marker::LocalActivity(Arc::new(marker))));
                    }
                }
                other => turn.commands.push(other),
            }
        }
        if jobs.is_empty() || closes {
            return Ok(());
        }
        self.activate_more(turn, jobs, self.now())
    }

    /// Applies the cancellation type. Gives the marker of one that ends with that.
    ///
    /// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/local_activity_state_machine.rs`.
    fn cancel_local(&mut self, seq: Seq) -> Option<LocalActivityMarker> {
        let now = self.now();
        let Locals { open, new, cancelled } = &mut self.locals;
        let spec = open.get(&seq)?.spec.clone();
        let how = spec.activity.cancellation;
        let is_new = new.contains(&seq);
        if how == CancellationType::WaitCancellationCompleted && !is_new {
            cancelled.push((seq, how));
            return None;
        }
        if is_new {
            new.retain(|new| *new != seq);
        } else {
            cancelled.push((seq, how));
        }
        open.remove(&seq);
        Some(LocalActivityMarker {
            seq,
            activity_id: activity_id(seq, &spec),
            activity_type: spec.activity.activity_type.clone(),
            attempt: 0,
            completed_at: None,
            first_scheduled_at: spec.first_scheduled_at.unwrap_or(now),
            end: LocalActivityEnd::Cancelled(cancelled_failure(Details::Absent)),
        })
    }
}
