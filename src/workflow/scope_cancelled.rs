//! [`ScopeCancelled`]: waits for the cancellation of a scope.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_core::FusedFuture;

use super::scope::ScopeId;
use super::state::WorkflowState;
use crate::program::{WaiterIndex, places};

/// Ends when its scope is cancelled. From [`WorkflowContext::cancelled`](crate::WorkflowContext::cancelled).
#[must_use = "futures do nothing unless awaited"]
pub struct ScopeCancelled {
    pub(super) at: &'static Location<'static>,
    pub(super) instance: Rc<WorkflowState>,
    pub(super) scope: ScopeId,
    pub(super) waiter: WaiterIndex,
    pub(super) ended: bool,
}

impl Future for ScopeCancelled {
    type Output = ();

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let poll = this.instance.poll_cancelled(this.scope, &mut this.waiter, cx);
        this.ended = poll.is_ready();
        if this.ended {
            places::ended(this.at);
        }
        poll
    }
}

impl FusedFuture for ScopeCancelled {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl Drop for ScopeCancelled {
    fn drop(&mut self) {
        if !self.ended {
            self.instance.leave_cancelled(self.scope, self.waiter);
        }
    }
}

impl fmt::Debug for ScopeCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeCancelled").field("ended", &self.ended).finish_non_exhaustive()
    }
}
