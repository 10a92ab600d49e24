//! [`Scopes`]: the tree of cancellation scopes of a workflow instance.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_core::FusedFuture;

use super::instance::Instance;
use crate::program::{WaiterIndex, Waiters};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ScopeId(u32);

impl ScopeId {
    /// The workflow's own scope, which a cancel request reaches.
    pub const ROOT: ScopeId = ScopeId(0);
}

#[derive(Debug, Default)]
pub(super) struct Scope {
    /// `None`: cancelled only by its own `cancel`. The root, and detached scopes.
    parent: Option<ScopeId>,
    cancelled: bool,
    /// Nothing started before this slot belongs to it or to its children.
    first_slot: usize,
    waiters: Waiters,
}

/// Scopes in the order of creation, parents before children.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    /// Apart from the others, because most workflows have no other.
    root: Scope,
    others: Vec<Scope>,
}

impl Scopes {
    #[inline]
    pub fn clear(&mut self) {
        self.root.cancelled = false;
        self.root.waiters.clear();
        self.others.clear();
    }

    pub fn child(&mut self, parent: ScopeId, first_slot: usize) -> ScopeId {
        self.add(Scope { parent: Some(parent), cancelled: self.is_cancelled(parent), first_slot, ..Scope::default() })
    }

    pub fn detached(&mut self, first_slot: usize) -> ScopeId {
        self.add(Scope { first_slot, ..Scope::default() })
    }

    fn add(&mut self, scope: Scope) -> ScopeId {
        self.others.push(scope);
        ScopeId(u32::try_from(self.others.len()).expect("fewer than 2^32 scopes"))
    }

    pub fn is_cancelled(&self, id: ScopeId) -> bool {
        self.get(id).cancelled
    }

    /// Cancels a scope and all below it. Answers with the first slot that may be concerned, or `None` if the scope was
    /// cancelled before; `woken` gets the wakers of who waits for that.
    pub fn cancel(&mut self, id: ScopeId, woken: &mut Vec<Waker>) -> Option<usize> {
        let scope = self.get_mut(id);
        if scope.cancelled {
            return None;
        }
        scope.cancelled = true;
        woken.extend(scope.waiters.take());
        let first_slot = scope.first_slot;
        for index in id.0 as usize..self.others.len() {
            let below = self.others[index].parent.is_some_and(|parent| self.is_cancelled(parent));
            let scope = &mut self.others[index];
            if below && !scope.cancelled {
                scope.cancelled = true;
                woken.extend(scope.waiters.take());
            }
        }
        Some(first_slot)
    }

    pub fn waiters(&mut self, id: ScopeId) -> &mut Waiters {
        &mut self.get_mut(id).waiters
    }

    fn get(&self, id: ScopeId) -> &Scope {
        match id.0.checked_sub(1) {
            None => &self.root,
            Some(index) => &self.others[index as usize],
        }
    }

    fn get_mut(&mut self, id: ScopeId) -> &mut Scope {
        match id.0.checked_sub(1) {
            None => &mut self.root,
            Some(index) => &mut self.others[index as usize],
        }
    }
}

/// Ends when its scope is cancelled. From [`WorkflowContext::cancelled`](crate::WorkflowContext::cancelled).
#[must_use = "futures do nothing unless awaited"]
pub struct ScopeCancelled {
    pub(super) instance: Rc<Instance>,
    pub(super) scope: ScopeId,
    pub(super) waiter: WaiterIndex,
    pub(super) ended: bool,
}

impl Future for ScopeCancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let poll = this.instance.poll_cancelled(this.scope, &mut this.waiter, cx);
        this.ended = poll.is_ready();
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

impl std::fmt::Debug for ScopeCancelled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScopeCancelled").field("ended", &self.ended).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancel_reaches_children_and_their_children_but_no_detached_scope() {
        let mut scopes = Scopes::default();
        let child = scopes.child(ScopeId::ROOT, 3);
        let grandchild = scopes.child(child, 5);
        let detached = scopes.detached(6);
        let under_detached = scopes.child(detached, 7);
        let sibling = scopes.child(ScopeId::ROOT, 8);
        let all = [ScopeId::ROOT, child, grandchild, detached, under_detached, sibling];
        let state = |scopes: &Scopes| all.map(|id| scopes.is_cancelled(id));

        assert_eq!(scopes.cancel(child, &mut Vec::new()), Some(3));
        assert_eq!(state(&scopes), [false, true, true, false, false, false]);
        assert_eq!(scopes.cancel(ScopeId::ROOT, &mut Vec::new()), Some(0));
        assert_eq!(state(&scopes), [true, true, true, false, false, true]);
        assert_eq!(scopes.cancel(ScopeId::ROOT, &mut Vec::new()), None);
        assert_eq!(scopes.cancel(detached, &mut Vec::new()), Some(6));
        assert_eq!(state(&scopes), [true; 6]);
        let late = scopes.child(child, 9);
        assert!(scopes.is_cancelled(late));
    }
}
