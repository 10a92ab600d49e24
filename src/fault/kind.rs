//! [`Fault`]: the thing that goes wrong at a point.

use std::fmt;
use std::time::Duration;

use super::observable::Observable;
use super::point::Site;
use super::text::Length;

/// A fault: the thing that goes wrong at a point. Not every fault fits every site: [`Fault::fits`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The worker process dies, with all it hosts, and restarts after the simulation's restart delay.
    /// At an await: right after the attempt returned `Pending`. At a completion: before the report leaves.
    /// At a workflow task: after the worker took it, before it answers. At an update: right after the service has heard that the
    /// workflow's code has accepted it. Text: `crash`.
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
    /// Cancellation of the workflow is requested at this moment. At a workflow task: while the worker has it, so that
    /// the answer does not know of the request. At a signal, a timer or a child: right after it arrived, fired or started; at a
    /// child's end: right after the workflow has heard of it. Text: `cancel`.
    Cancel,
    /// The worker is told to stop: it takes no new tasks, warns its attempts, cancels them after the grace period and
    /// restarts. Text: `stop`.
    Stop,
    /// The message never arrives at the service. The sender of an update sends it again a second later. Text: `request_lost`.
    RequestLost,
    /// The service acts on the message, but its answer never arrives at the worker. At a workflow task: the worker sends its
    /// answer again, is refused, and forgets the workflow. At an update, and at the end of one: its sender asks again, and hears of
    /// it a second later. Text: `answer_lost`.
    AnswerLost,
    /// The message, the hand-over of the task, the signal, the timer, the start of a child or the news of its end takes so much
    /// longer. The sender of a signal waits until it has arrived. Text: `delayed(500ms)`.
    Delayed(Duration),
    /// The worker that takes the task dies at once. Text: `worker_dies`.
    WorkerDies,
    /// The worker is gone at the moment the retry is due, and restarts after the restart delay. Text: `worker_gone`.
    WorkerGone,
    /// The attempt reaches the await so long before its deadline. Text: `before(1ms)`.
    DeadlineBefore(Duration),
    /// The attempt reaches the await exactly at its deadline, before the service's timer fires. Text: `at`.
    DeadlineAt,
    /// The attempt reaches the await as with [`Fault::DeadlineAt`], but the service's timer fires first. Text:
    /// `at_late`.
    DeadlineAtLate,
    /// The attempt reaches the await so long after its deadline. Text: `after(1ms)`.
    DeadlineAfter(Duration),
    /// The worker's answer to the workflow task is lost; the task times out. Text: `completion_lost`.
    CompletionLost,
    /// The workflow is evicted from the worker's cache before the task, so that the task is a replay. Text: `evicted`.
    Evicted,
    /// The worker takes so long to answer the workflow task, and news that arrives meanwhile is not in the answer. At
    /// least the task's timeout (10 s) makes it time out. Text: `late(2s)`.
    Late(Duration),
    /// The worker holds its answer to the workflow task until the workflow's next signal arrives, which is not in the
    /// answer. Without a signal, the task times out. It is tried where a signal comes after the task. Text: `signal`.
    Signal,
    /// The signal arrives twice, as after a retried request whose answer was lost. It is tried where
    /// [`Exploration::duplicate_signals`](crate::Exploration::duplicate_signals) asks for it.
    /// Text: `duplicated`.
    Duplicated,
    /// It comes to the workflow right behind this other thing, at the same moment and in the same workflow task: a report or a
    /// signal is on its way until then, a timer is late, and a task waits for a worker. The sender of a signal waits too.
    /// Where the other thing does not come before something else would time out, the fault counts as not struck.
    /// Text: `behind(timer1)`.
    Behind(Observable),
    /// As [`Fault::Behind`], but it comes once the workflow task that has taken in the other thing is answered.
    /// Text: `next_task(timer1)`.
    NextTask(Observable),
    /// The workers, or the one of this number, stop and start with the new version of the code, which
    /// [`Simulation::deploy`](crate::Simulation::deploy) gives: gracefully where the simulation has a grace period, else they
    /// die. At a workflow task: while a worker has it. At a dispatch: before a worker has the attempt. It is tried where there
    /// is a new version. Text: `deploy`, `deploy(1)`.
    Deploy(Option<u32>),
    /// The same with the old version, where [`Simulation::rollback`](crate::Simulation::rollback) asks for the way back. It is
    /// tried behind a deploy. Text: `rollback`, `rollback(1)`.
    Rollback(Option<u32>),
    /// Each wait of the attempt takes so many times as long, until it is told to stop: something that it depends on is slow,
    /// while the attempt is alive and heartbeats in between. Its worker, and tasks that it has spawned, are as fast as ever.
    /// At least 2. Text: `slow(3)`.
    Slow(u32),
}

impl Fault {
    /// One fault of each kind, those that have a length with a length of zero, those that wait with a cancel, in the order
    /// in which messages list them.
    pub(crate) const KINDS: [Fault; 32] = [
        Fault::Crash,
        Fault::CrashAttempt,
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::CrashAfterSent,
        Fault::CrashAfterUnsent,
        Fault::Fail,
        Fault::FailUnapplied,
        Fault::FailApplied,
        Fault::Stall(Duration::ZERO),
        Fault::Freeze(Duration::ZERO),
        Fault::Cancel,
        Fault::Stop,
        Fault::RequestLost,
        Fault::AnswerLost,
        Fault::Delayed(Duration::ZERO),
        Fault::WorkerDies,
        Fault::WorkerGone,
        Fault::DeadlineBefore(Duration::ZERO),
        Fault::DeadlineAt,
        Fault::DeadlineAtLate,
        Fault::DeadlineAfter(Duration::ZERO),
        Fault::CompletionLost,
        Fault::Evicted,
        Fault::Late(Duration::ZERO),
        Fault::Signal,
        Fault::Duplicated,
        Fault::Behind(Observable::Cancel),
        Fault::NextTask(Observable::Cancel),
        Fault::Deploy(None),
        Fault::Rollback(None),
        Fault::Slow(2),
    ];

    /// The index of its kind in [`Fault::KINDS`], whatever its length.
    pub(crate) fn kind(self) -> usize {
        let same = |kind: &Fault| std::mem::discriminant(kind) == std::mem::discriminant(&self);
        Fault::KINDS.iter().position(same).unwrap_or(Fault::KINDS.len())
    }

    /// Says whether this can go wrong at such a site. A plan's text with a fault that does not fit its site is refused.
    ///
    /// ```
    /// use durasim::fault::{Fault, Site};
    /// assert!(Fault::Crash.fits(Site::Await(5)));
    /// assert!(!Fault::Crash.fits(Site::Heartbeat(5))); // there it is `crash_before` or `crash_after_..`
    /// ```
    pub fn fits(self, site: Site) -> bool {
        match self {
            Fault::Crash => matches!(site, Site::Await(_) | Site::Completion | Site::Task(_) | Site::Update(_)),
            Fault::CrashAttempt | Fault::Fail | Fault::Stall(_) | Fault::Freeze(_) | Fault::Stop => {
                matches!(site, Site::Await(_))
            }
            Fault::CrashBefore => matches!(site, Site::Effect(_) | Site::Heartbeat(_)),
            Fault::CrashAfter | Fault::FailUnapplied | Fault::FailApplied => matches!(site, Site::Effect(_)),
            Fault::CrashAfterSent | Fault::CrashAfterUnsent => matches!(site, Site::Heartbeat(_)),
            Fault::Cancel => matches!(
                site,
                Site::Dispatch
                    | Site::Await(_)
                    | Site::Completion
                    | Site::Backoff
                    | Site::Task(_)
                    | Site::Signal(_)
                    | Site::Timer(_)
                    | Site::Child(_)
                    | Site::ChildEnd(_)
                    | Site::Message(_)
                    | Site::Update(_)
                    | Site::UpdateEnd(_)
            ),
            Fault::RequestLost => matches!(site, Site::Heartbeat(_) | Site::Completion | Site::Update(_)),
            Fault::AnswerLost => matches!(
                site,
                Site::Heartbeat(_) | Site::Completion | Site::Task(_) | Site::Update(_) | Site::UpdateEnd(_)
            ),
            Fault::Delayed(_) => matches!(
                site,
                Site::Dispatch
                    | Site::Heartbeat(_)
                    | Site::Completion
                    | Site::Signal(_)
                    | Site::Timer(_)
                    | Site::Child(_)
                    | Site::ChildEnd(_)
                    | Site::Message(_)
                    | Site::Update(_)
            ),
            Fault::WorkerDies | Fault::Slow(_) => matches!(site, Site::Dispatch),
            Fault::WorkerGone => matches!(site, Site::Backoff),
            Fault::DeadlineBefore(_) | Fault::DeadlineAt | Fault::DeadlineAtLate | Fault::DeadlineAfter(_) => {
                matches!(site, Site::Deadline(_))
            }
            Fault::CompletionLost | Fault::Evicted | Fault::Late(_) | Fault::Signal => matches!(site, Site::Task(_)),
            Fault::Duplicated => matches!(site, Site::Signal(_)),
            Fault::Behind(_) if matches!(site, Site::Dispatch | Site::Task(_)) => true,
            Fault::Behind(_) | Fault::NextTask(_) => matches!(
                site,
                Site::Completion
                    | Site::Signal(_)
                    | Site::Timer(_)
                    | Site::Child(_)
                    | Site::ChildEnd(_)
                    | Site::Message(_)
            ),
            Fault::Deploy(_) | Fault::Rollback(_) => matches!(site, Site::Task(_) | Site::Dispatch),
        }
    }

    /// The fault's name in a plan, without its length.
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Fault::Crash => "crash",
            Fault::CrashAttempt => "crash_attempt",
            Fault::CrashBefore => "crash_before",
            Fault::CrashAfter => "crash_after",
            Fault::CrashAfterSent => "crash_after_sent",
            Fault::CrashAfterUnsent => "crash_after_unsent",
            Fault::Fail => "fail",
            Fault::FailUnapplied => "fail_unapplied",
            Fault::FailApplied => "fail_applied",
            Fault::Stall(_) => "stall",
            Fault::Freeze(_) => "freeze",
            Fault::Cancel => "cancel",
            Fault::Stop => "stop",
            Fault::RequestLost => "request_lost",
            Fault::AnswerLost => "answer_lost",
            Fault::Delayed(_) => "delayed",
            Fault::WorkerDies => "worker_dies",
            Fault::WorkerGone => "worker_gone",
            Fault::DeadlineBefore(_) => "before",
            Fault::DeadlineAt => "at",
            Fault::DeadlineAtLate => "at_late",
            Fault::DeadlineAfter(_) => "after",
            Fault::CompletionLost => "completion_lost",
            Fault::Evicted => "evicted",
            Fault::Late(_) => "late",
            Fault::Signal => "signal",
            Fault::Duplicated => "duplicated",
            Fault::Behind(_) => "behind",
            Fault::NextTask(_) => "next_task",
            Fault::Deploy(_) => "deploy",
            Fault::Rollback(_) => "rollback",
            Fault::Slow(_) => "slow",
        }
    }

    /// The length of the fault, if it has one.
    pub fn length(self) -> Option<Duration> {
        match self {
            Fault::Stall(length)
            | Fault::Freeze(length)
            | Fault::Delayed(length)
            | Fault::DeadlineBefore(length)
            | Fault::DeadlineAfter(length)
            | Fault::Late(length) => Some(length),
            _ => None,
        }
    }

    /// The thing that it waits for, if it changes the order of what a workflow observes.
    pub fn waits_for(self) -> Option<Observable> {
        match self {
            Fault::Behind(other) | Fault::NextTask(other) => Some(other),
            _ => None,
        }
    }

    /// Says whether this puts another version of the code in place, and of which worker, if it is of one.
    pub(crate) fn deploys(self) -> Option<Option<u32>> {
        match self {
            Fault::Deploy(worker) | Fault::Rollback(worker) => Some(worker),
            _ => None,
        }
    }

    /// The same fault behind another thing; a fault that waits for nothing stays as it is.
    pub(crate) fn behind(self, other: Observable) -> Fault {
        match self {
            Fault::Behind(_) => Fault::Behind(other),
            Fault::NextTask(_) => Fault::NextTask(other),
            fault => fault,
        }
    }

    /// The fault of [`Fault::KINDS`] of the same kind.
    pub(crate) fn plain(self) -> Fault {
        Fault::KINDS[self.kind()]
    }

    /// The number of times that each wait takes as long, if this makes an attempt slow.
    pub(crate) fn factor(self) -> Option<u32> {
        match self {
            Fault::Slow(factor) => Some(factor),
            _ => None,
        }
    }

    /// Makes a deploy one of this worker alone, or of all; another fault stays as it is.
    pub(crate) fn with_worker(self, worker: Option<u32>) -> Fault {
        match self {
            Fault::Deploy(_) => Fault::Deploy(worker),
            Fault::Rollback(_) => Fault::Rollback(worker),
            other => other,
        }
    }

    /// Makes the same fault of another length; a fault without a length stays as it is.
    pub fn with_length(self, length: Duration) -> Fault {
        match self {
            Fault::Stall(_) => Fault::Stall(length),
            Fault::Freeze(_) => Fault::Freeze(length),
            Fault::Delayed(_) => Fault::Delayed(length),
            Fault::DeadlineBefore(_) => Fault::DeadlineBefore(length),
            Fault::DeadlineAfter(_) => Fault::DeadlineAfter(length),
            Fault::Late(_) => Fault::Late(length),
            other => other,
        }
    }
}

/// Writes the fault as plans spell it: `stall(2s)`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.keyword())?;
        match (self.length(), self.waits_for()) {
            (Some(length), _) => write!(f, "({})", Length(length)),
            (None, Some(other)) => write!(f, "({other})"),
            (None, None) => {
                let number = self.deploys().flatten().or(self.factor());
                number.map_or(Ok(()), |number| write!(f, "({number})"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_fits_somewhere_and_sites_have_theirs() {
        let fitting = |site: Site| {
            let names: Vec<_> = Fault::KINDS.into_iter().filter(|f| f.fits(site)).map(Fault::keyword).collect();
            names.join(" ")
        };
        assert_eq!(fitting(Site::Dispatch), "cancel delayed worker_dies behind deploy rollback slow");
        assert_eq!(fitting(Site::Await(1)), "crash crash_attempt fail stall freeze cancel stop");
        assert_eq!(fitting(Site::Effect(1)), "crash_before crash_after fail_unapplied fail_applied");
        assert_eq!(
            fitting(Site::Heartbeat(1)),
            "crash_before crash_after_sent crash_after_unsent request_lost answer_lost delayed"
        );
        assert_eq!(fitting(Site::Deadline(1)), "before at at_late after");
        assert_eq!(fitting(Site::Completion), "crash cancel request_lost answer_lost delayed behind next_task");
        assert_eq!(fitting(Site::Backoff), "cancel worker_gone");
        assert_eq!(
            fitting(Site::Task(1)),
            "crash cancel answer_lost completion_lost evicted late signal behind deploy rollback"
        );
        assert_eq!(fitting(Site::Signal(1)), "cancel delayed duplicated behind next_task");
        for site in [Site::Timer(1), Site::Child(1), Site::ChildEnd(1), Site::Message(1)] {
            assert_eq!(fitting(site), "cancel delayed behind next_task");
        }
        assert_eq!(fitting(Site::Update(1)), "crash cancel request_lost answer_lost delayed");
        assert_eq!(fitting(Site::UpdateEnd(1)), "cancel answer_lost");
    }
}
