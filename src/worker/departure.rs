//! [`FinalReport`]: the last words of a worker about an attempt that has ended.

use super::message::{Call, Delivery, Message};
use super::report::{PendingHeartbeat, Report};
use super::throttle::Throttle;
use crate::service::Dialect;
use crate::trace::{AttemptKey, Bytes};

/// The last messages of a worker about an attempt that has ended: its report, and before that the heartbeat that was
/// pending, if the report has no room for it.
#[derive(Clone, Debug)]
pub(crate) struct FinalReport {
    flushed: Option<Call>,
    report: Call,
    /// The fate of the report.
    delivery: Delivery,
}

impl FinalReport {
    /// Takes the heartbeat that the throttle still holds, whose bytes these are. `None` if the worker says nothing.
    pub(crate) fn new(
        report: Report,
        throttle: &mut Throttle,
        bytes: Option<Bytes>,
        dialect: Dialect,
        delivery: Delivery,
    ) -> Option<FinalReport> {
        let (mut flushed, mut attached) = (None, None);
        match report.pending_heartbeat(dialect) {
            PendingHeartbeat::Dropped => {}
            PendingHeartbeat::FlushedFirst => flushed = throttle.take_pending(),
            PendingHeartbeat::Attached => attached = throttle.take_attached(),
        }
        let report = match report {
            Report::Complete(result) => Call::Complete { result },
            Report::Fail(failure) => Call::Fail { failure, details: attached, bytes },
            Report::Cancel(details) => Call::Cancel { details },
            Report::Nothing => return None,
        };
        let flushed = flushed.map(|details| Call::Heartbeat { details, bytes });
        Some(FinalReport { flushed, report, delivery })
    }

    /// The messages: the heartbeat that goes first, if any, and the report with its delivery.
    pub(crate) fn messages(self, attempt: AttemptKey) -> (Option<Message>, Message, Delivery) {
        let flushed = self.flushed.map(|call| Message { attempt, call });
        (flushed, Message { attempt, call: self.report }, self.delivery)
    }
}
