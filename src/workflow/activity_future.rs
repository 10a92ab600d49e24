//! [`ActivityFuture`]: an activity that has been asked for.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::FusedFuture;

use super::error::WorkflowError;
use super::slot::{SlotEnd, SlotId};
use super::state::WorkflowState;
use crate::program::{ActivitySpec, Payload, places};

/// An activity that has been asked for: ends with its result. From
/// [`WorkflowContext::execute_activity`](crate::WorkflowContext::execute_activity).
///
/// The activity was scheduled by the call, in the order of the calls, not by the first poll. The future borrows nothing,
/// is `Unpin` and fused, so that it can be given to `join!`, `select_biased!` and `FuturesUnordered` as it is. Dropping
/// it does not stop the activity; cancelling its scope does.
#[must_use = "the activity runs, but nobody looks at how it ends"]
pub struct ActivityFuture<O> {
    at: &'static Location<'static>,
    asked: ActivityRequest,
    decode: fn(&[u8]) -> Result<O, serde_json::Error>,
}

/// An activity that has been asked for, whatever its result is.
pub(super) enum ActivityRequest {
    Waiting {
        instance: Rc<WorkflowState>,
        slot: SlotId,
        spec: Arc<ActivitySpec>,
    },
    /// Known at the call. Boxed to keep the future small.
    Failed(Box<WorkflowError>),
    /// The task fails, or the instance is being dropped.
    Never,
    Ended,
}

impl ActivityRequest {
    pub fn failed(error: WorkflowError) -> ActivityRequest {
        ActivityRequest::Failed(Box::new(error))
    }

    fn poll(&mut self, cx: &Context<'_>) -> Poll<Result<(Payload, Arc<ActivitySpec>), WorkflowError>> {
        let outcome = match self {
            ActivityRequest::Waiting { instance, slot, .. } => match instance.poll(*slot, cx) {
                Poll::Ready(outcome) => Some(outcome),
                Poll::Pending => return Poll::Pending,
            },
            ActivityRequest::Failed(_) => None,
            ActivityRequest::Never | ActivityRequest::Ended => return Poll::Pending,
        };
        Poll::Ready(match (mem::replace(self, ActivityRequest::Ended), outcome) {
            (ActivityRequest::Waiting { spec, .. }, Some(SlotEnd::Completed(result))) => Ok((result, spec)),
            (_, Some(SlotEnd::Failed(failure))) => Err(WorkflowError::ActivityFailed(failure)),
            (_, Some(SlotEnd::Cancelled(cancellation))) => Err(WorkflowError::Cancelled(cancellation)),
            (ActivityRequest::Failed(error), _) => Err(*error),
            _ => unreachable!("an activity's slot ends as an activity does"),
        })
    }
}

impl<O> ActivityFuture<O> {
    pub(super) fn new(
        at: &'static Location<'static>,
        asked: ActivityRequest,
        decode: fn(&[u8]) -> Result<O, serde_json::Error>,
    ) -> ActivityFuture<O> {
        ActivityFuture { at, asked, decode }
    }
}

impl<O> Future for ActivityFuture<O> {
    type Output = Result<O, WorkflowError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.asked.poll(cx));
        places::ended(self.at);
        let (result, spec) = match result {
            Ok(completed) => completed,
            Err(error) => return Poll::Ready(Err(error)),
        };
        Poll::Ready((self.decode)(result.as_bytes()).map_err(|why| WorkflowError::Decode {
            activity_type: Arc::clone(&spec.activity_type),
            wanted: type_name::<O>(),
            why: why.to_string(),
        }))
    }
}

/// Not pinned anywhere: nothing of `O` is inside.
impl<O> Unpin for ActivityFuture<O> {}

impl<O> FusedFuture for ActivityFuture<O> {
    fn is_terminated(&self) -> bool {
        matches!(self.asked, ActivityRequest::Ended)
    }
}

impl<O> fmt::Debug for ActivityFuture<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("ActivityFuture");
        if let ActivityRequest::Waiting { spec, .. } = &self.asked {
            out.field("activity_type", &spec.activity_type);
        }
        out.finish_non_exhaustive()
    }
}
