//! [`ActivityFuture`]: an activity that has been asked for.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::FusedFuture;

use super::error::WorkflowError;
use super::instance::Instance;
use super::slot::Outcome;
use crate::program::ActivitySpec;

/// An activity that has been asked for: ends with its result. From
/// [`WorkflowContext::execute_activity`](crate::WorkflowContext::execute_activity).
///
/// The activity was scheduled by the call, in the order of the calls, not by the first poll. The future borrows nothing,
/// is `Unpin` and fused, so that it can be given to `join!`, `select_biased!` and `FuturesUnordered` as it is. Dropping
/// it does not stop the activity; cancelling its scope does.
#[must_use = "the activity runs, but nobody looks at how it ends"]
pub struct ActivityFuture<O>(State<O>);

enum State<O> {
    Waiting {
        instance: Rc<Instance>,
        slot: usize,
        spec: Arc<ActivitySpec>,
        decode: fn(&[u8]) -> Result<O, serde_json::Error>,
    },
    /// Known at the call. Boxed to keep the future small.
    Failed(Box<WorkflowError>),
    /// The task fails, or the instance is being dropped.
    Never,
    Ended,
}

impl<O> ActivityFuture<O> {
    pub(super) fn waiting(
        instance: Rc<Instance>,
        slot: usize,
        spec: Arc<ActivitySpec>,
        decode: fn(&[u8]) -> Result<O, serde_json::Error>,
    ) -> ActivityFuture<O> {
        ActivityFuture(State::Waiting { instance, slot, spec, decode })
    }

    pub(super) fn failed(error: WorkflowError) -> ActivityFuture<O> {
        ActivityFuture(State::Failed(Box::new(error)))
    }

    pub(super) fn never() -> ActivityFuture<O> {
        ActivityFuture(State::Never)
    }
}

impl<O> Future for ActivityFuture<O> {
    type Output = Result<O, WorkflowError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &self.0 {
            State::Waiting { instance, slot, .. } => match instance.poll(*slot, cx) {
                Poll::Ready(outcome) => Some(outcome),
                Poll::Pending => return Poll::Pending,
            },
            State::Failed(_) => None,
            State::Never | State::Ended => return Poll::Pending,
        };
        Poll::Ready(match (mem::replace(&mut self.0, State::Ended), outcome) {
            (State::Waiting { spec, decode, .. }, Some(Outcome::Completed(result))) => decode(result.as_bytes())
                .map_err(|why| WorkflowError::Decode {
                    activity_type: Arc::clone(&spec.activity_type),
                    wanted: type_name::<O>(),
                    why: why.to_string(),
                }),
            (_, Some(Outcome::Failed(failure))) => Err(WorkflowError::ActivityFailed(failure)),
            (_, Some(Outcome::Cancelled(cancellation))) => Err(WorkflowError::Cancelled(cancellation)),
            (State::Failed(error), _) => Err(*error),
            _ => unreachable!("an activity's slot ends as an activity does"),
        })
    }
}

/// Not pinned anywhere: nothing of `O` is inside.
impl<O> Unpin for ActivityFuture<O> {}

impl<O> FusedFuture for ActivityFuture<O> {
    fn is_terminated(&self) -> bool {
        matches!(self.0, State::Ended)
    }
}

impl<O> fmt::Debug for ActivityFuture<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("ActivityFuture");
        if let State::Waiting { spec, .. } = &self.0 {
            out.field("activity_type", &spec.activity_type);
        }
        out.finish_non_exhaustive()
    }
}
