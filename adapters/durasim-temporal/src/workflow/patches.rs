//! [`Patches`]: holds the code of a workflow to the markers of patches in its history.

use std::collections::VecDeque;
use std::sync::Arc;

use durasim::program::{Activation, Command, Job, Marker, TaskFailure};

/// The markers of patches that a task has recorded, and for which the code has not asked yet. It asks for each again, in the
/// order of then; the markers of deprecated patches are let be. durasim itself compares none of them, as Cadence and
/// Temporal's Go SDK do not.
///
/// Source: crate temporalio-sdk-core 0.10.1 `src/worker/workflow/machines/workflow_machines.rs`, `patch_marker_handling`.
#[derive(Default)]
pub(super) struct Patches {
    recorded: VecDeque<Arc<str>>,
    /// The length of the history that the code was shown last: all activations of a task show the same.
    task: u64,
}

impl Patches {
    /// Looks at the commands that the code has asked for in an activation. Where it cancels an activity, a child or a signal,
    /// it may hear of that in another activation of the same task, and ask for the rest there.
    ///
    /// # Errors
    /// The error is [`TaskFailure::NonDeterministic`] if the code has not asked for a marker.
    pub(super) fn compare(&mut self, activation: &Activation, commands: &[Command]) -> Result<(), TaskFailure> {
        if self.task != activation.history_length {
            self.task = activation.history_length;
            self.look_for_rest()?;
        }
        self.recorded.extend(activation.jobs.iter().filter_map(|job| match job {
            Job::Marker(Marker::Patch { id, deprecated: false }) => Some(id.clone()),
            _ => None,
        }));
        for command in commands {
            if let Command::RecordMarker(Marker::Patch { id, .. }) = command {
                self.recorded.pop_front_if(|recorded| recorded == id);
            }
        }
        let cancels = |command: &Command| {
            matches!(
                command,
                Command::CancelActivity { .. } | Command::CancelChild { .. } | Command::CancelSignal { .. }
            )
        };
        if commands.iter().any(cancels) {
            return Ok(());
        }
        self.look_for_rest()
    }

    fn look_for_rest(&mut self) -> Result<(), TaskFailure> {
        match self.recorded.pop_front() {
            None => Ok(()),
            Some(change_id) => Err(TaskFailure::NonDeterministic(format!(
                "the history of this task has a marker of the patch `{change_id}`, for which the code does not ask there: a call \
                 of `patched` stays where it is, and its order, until no run needs the way before it. Then `deprecate_patch` \
                 takes its place"
            ))),
        }
    }
}
