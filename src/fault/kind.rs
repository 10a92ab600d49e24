//! [`Fault`]: what goes wrong at a point.

use std::time::Duration;

/// What goes wrong. Not every fault fits every site: [`Fault::fits`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The worker process dies, with all it hosts, and restarts after the simulation's restart delay.
    /// At an await: right after the attempt returned `Pending`. At a completion: before the report leaves.
    /// At a workflow task: after the worker took it, before it answers. Text: `crash`.
    Crash,
    /// This attempt alone vanishes: its future is never polled again and nothing is reported. Text: `crash_attempt`.
    CrashAttempt,
    /// The worker dies inside the call, before the effect is done or the heartbeat recorded. Text: `crash_before`.
    CrashBefore,
    /// The worker dies inside the call, right after the effect was done. Text: `crash_after`.
    CrashAfter,
    /// The heartbeat is recorded, leaves at once (the throttle interval had just elapsed), and then the worker dies
    /// inside the call. Text: `crash_after_sent`.
    CrashAfterSent,
    /// The heartbeat is recorded and the worker dies inside the call before it is sent. Text: `crash_after_unsent`.
    CrashAfterUnsent,
    /// The attempt's code fails with a retryable error. Its future is dropped. Text: `fail`.
    Fail,
    /// The effect is not done and its caller gets an error. Text: `fail_unapplied`.
    FailUnapplied,
    /// The effect is done but its caller gets an error. Text: `fail_applied`.
    FailApplied,
    /// This attempt is not polled for so long; its worker goes on sending what was recorded. Text: `stall(2s)`.
    Stall(Duration),
    /// The whole worker stands still for so long. Text: `freeze(2s)`.
    Freeze(Duration),
    /// Cancellation of the workflow is requested at this moment. Text: `cancel`.
    Cancel,
    /// The worker is told to stop: it takes no new tasks, warns its attempts, cancels them after the grace period and
    /// restarts. Text: `stop`.
    Stop,
    /// The message never arrives at the service. Text: `request_lost`.
    RequestLost,
    /// The service acts on the message, but its answer never arrives at the worker. Text: `answer_lost`.
    AnswerLost,
    /// The message, or the hand-over of the task, takes so much longer. Text: `delayed(500ms)`.
    Delayed(Duration),
    /// The worker that takes the task dies at once. Text: `worker_dies`.
    WorkerDies,
    /// The worker is gone at the moment the retry is due, and restarts after the restart delay. Text: `worker_gone`.
    WorkerGone,
    /// The attempt reaches the await so long before its deadline. Text: `before(1ms)`.
    DeadlineBefore(Duration),
    /// The attempt reaches the await exactly at its deadline, before the service's timer fires. Text: `at`.
    DeadlineAt,
    /// As [`Fault::DeadlineAt`], but the service's timer fires first. Text: `at_late`.
    DeadlineAtLate,
    /// The attempt reaches the await so long after its deadline. Text: `after(1ms)`.
    DeadlineAfter(Duration),
    /// The worker's answer to the workflow task is lost; the task times out. Text: `completion_lost`.
    CompletionLost,
    /// The workflow is evicted from the worker's cache before the task, so that the task is a replay. Text: `evicted`.
    Evicted,
}
