//! [`Timer`]: a sleep of a workflow.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_core::FusedFuture;

use super::error::WorkflowError;
use super::slot::{SlotEnd, SlotId};
use super::state::{Requested, WorkflowState};
use crate::program::places;

/// A durable timer that has been started: ends when it fires, or with
/// [`WorkflowError::Cancelled`] when its scope is cancelled. From
/// [`WorkflowContext::sleep`](crate::WorkflowContext::sleep).
///
/// The timer was started by the call, not by the first poll. Dropping it before it has fired cancels it, which is what a
/// lost `select_biased!` does to it. It borrows nothing, is `Unpin` and fused.
#[must_use = "dropping a timer cancels it"]
pub struct Timer {
    at: &'static Location<'static>,
    state: State,
}

enum State {
    Waiting { instance: Rc<WorkflowState>, slot: SlotId },
    Cancelled,
    Never,
    Ended,
}

impl Timer {
    pub(super) fn new(at: &'static Location<'static>, instance: &Rc<WorkflowState>, started: Requested) -> Timer {
        let state = match started {
            Requested::Slot(slot) => State::Waiting { instance: Rc::clone(instance), slot },
            Requested::Cancelled => State::Cancelled,
            Requested::Never => State::Never,
        };
        Timer { at, state }
    }
}

impl Future for Timer {
    type Output = Result<(), WorkflowError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match &self.state {
            State::Waiting { instance, slot } => match instance.poll(*slot, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(SlotEnd::Fired) => Ok(()),
                Poll::Ready(SlotEnd::Cancelled(cancellation)) => Err(WorkflowError::Cancelled(cancellation)),
                Poll::Ready(SlotEnd::Completed(_) | SlotEnd::Failed(_)) => {
                    unreachable!("a timer's slot ends as a timer does")
                }
            },
            State::Cancelled => Err(WorkflowError::cancelled()),
            State::Never | State::Ended => return Poll::Pending,
        };
        self.state = State::Ended;
        places::ended(self.at);
        Poll::Ready(result)
    }
}

impl FusedFuture for Timer {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let State::Waiting { instance, slot } = &self.state {
            instance.drop_timer(*slot);
        }
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("ended", &self.is_terminated()).finish_non_exhaustive()
    }
}
