//! [`Attempt`]: one attempt as its worker hosts it.

use std::fmt;
use std::sync::Arc;

use crate::engine::tasks::TaskId;
use crate::program::{AttemptListener, CancelReason, Time, Timeouts};
use crate::service::Token;
use crate::trace::{Bytes, WorkerKey};

use super::departure::FinalReport;
use super::message::Delivery;
use super::throttle::Throttle;

/// Where an attempt stands on its worker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Life {
    /// Its code runs.
    Running,
    /// Its code has ended, or was dropped by the worker.
    Ended,
    /// Crashed: nothing of it may have any effect.
    Dead,
}

/// An attempt on its worker.
pub(crate) struct Attempt {
    pub(crate) token: Token,
    pub(crate) worker: WorkerKey,
    /// Holds its heartbeats back.
    pub(crate) throttle: Throttle,
    pub(crate) task: Option<TaskId>,
    pub(crate) life: Life,
    pub(crate) awaits: u32,
    pub(crate) effects: u32,
    pub(crate) heartbeats: u32,
    pub(crate) details_read: bool,
    /// What its code is told through, while it runs.
    pub(crate) listener: Option<Arc<dyn AttemptListener>>,
    /// Told to the code, once.
    pub(crate) cancel_told: Option<CancelReason>,
    /// The service has given it up while its code runs on.
    pub(crate) zombie: bool,
    pub(crate) started_at: Time,
    pub(crate) deadline: Option<Time>,
    pub(crate) timeouts: Timeouts,
    /// When the code last recorded a heartbeat, or started: the worker's own heartbeat clock.
    pub(crate) last_recorded: Time,
    /// When the service last had a heartbeat of it, or started it.
    pub(crate) last_visible: Time,
    /// The details it recorded last.
    pub(crate) newest: Option<Bytes>,
    /// What a fault has in store for the next heartbeat that leaves.
    pub(crate) delivery: Delivery,
    /// What is said at its end, while it waits for a heartbeat in flight. Boxed because it is rare.
    pub(crate) final_report: Option<Box<FinalReport>>,
    /// A fault keeps it from being polled.
    pub(crate) stalled: bool,
    /// Polls at the present moment, against loops that let no time pass.
    pub(crate) busy: Busy,
}

/// Counts polls at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Busy {
    at: Time,
    polls: u32,
}

impl Busy {
    /// Counts one more poll and says how many there were at this moment.
    pub(crate) fn count(&mut self, now: Time) -> u32 {
        if self.at != now {
            *self = Busy { at: now, polls: 0 };
        }
        self.polls += 1;
        self.polls
    }
}

impl Attempt {
    pub(crate) fn is_running(&self) -> bool {
        self.life == Life::Running
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("token", &self.token).field("life", &self.life).finish_non_exhaustive()
    }
}
