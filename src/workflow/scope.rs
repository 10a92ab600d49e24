//! [`Scopes`]: the tree of cancellation scopes of a workflow instance.

use std::collections::BTreeSet;
use std::task::Waker;

use super::slot::{SlotId, Slots};
use crate::program::Waiters;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct ScopeId(usize);

impl ScopeId {
    /// The workflow's own scope, which a cancel request reaches.
    pub const ROOT: ScopeId = ScopeId(0);
}

#[derive(Debug, Default)]
pub(super) struct Scope {
    cancelled: bool,
    /// Those that are cancelled with it.
    children: Vec<ScopeId>,
    /// The slots that were started in it. The root has none here: it is cancelled once, and they are looked for then.
    slots: Vec<SlotId>,
    waiters: Waiters,
}

/// The work to be done about scopes that have just been cancelled.
#[derive(Debug, Default)]
pub(super) struct Cancelled {
    /// The wakers of those who wait for that, scopes in the order of their creation.
    pub waiting: Vec<Waker>,
    /// The slots that were started in them, in the order in which they were.
    pub slots: Vec<SlotId>,
}

/// Scopes in the order of creation, parents before children.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    /// Apart from the others, because most workflows have no other.
    root: Scope,
    others: Vec<Scope>,
}

impl Scopes {
    pub fn child(&mut self, parent: ScopeId) -> ScopeId {
        let child = self.add(Scope { cancelled: self.is_cancelled(parent), ..Scope::default() });
        self.get_mut(parent).children.push(child);
        child
    }

    /// A scope that is cancelled only by its own `cancel`.
    pub fn detached(&mut self) -> ScopeId {
        self.add(Scope::default())
    }

    fn add(&mut self, scope: Scope) -> ScopeId {
        self.others.push(scope);
        ScopeId(self.others.len())
    }

    pub fn is_cancelled(&self, id: ScopeId) -> bool {
        self.get(id).cancelled
    }

    /// Notes that something was started in a scope.
    pub fn add_slot(&mut self, id: ScopeId, slot: SlotId) {
        if id != ScopeId::ROOT {
            self.get_mut(id).slots.push(slot);
        }
    }

    /// Cancels a scope and all below it. `None` if it was cancelled before.
    pub fn cancel(&mut self, id: ScopeId, slots: &Slots) -> Option<Cancelled> {
        if self.is_cancelled(id) {
            return None;
        }
        let mut reached = BTreeSet::new();
        let mut next = vec![id];
        while let Some(id) = next.pop() {
            let scope = self.get_mut(id);
            if !scope.cancelled {
                scope.cancelled = true;
                reached.insert(id);
                next.append(&mut scope.children);
            }
        }
        let mut cancelled = Cancelled::default();
        for id in reached {
            let scope = self.get_mut(id);
            cancelled.waiting.extend(scope.waiters.take());
            cancelled.slots.append(&mut scope.slots);
            if id == ScopeId::ROOT {
                cancelled.slots.extend(slots.in_root());
            }
        }
        cancelled.slots.sort_unstable();
        Some(cancelled)
    }

    pub fn waiters(&mut self, id: ScopeId) -> &mut Waiters {
        &mut self.get_mut(id).waiters
    }

    fn get(&self, id: ScopeId) -> &Scope {
        match id.0.checked_sub(1) {
            None => &self.root,
            Some(index) => &self.others[index],
        }
    }

    fn get_mut(&mut self, id: ScopeId) -> &mut Scope {
        match id.0.checked_sub(1) {
            None => &mut self.root,
            Some(index) => &mut self.others[index],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::slot::SlotKind;
    use super::*;

    #[test]
    fn cancel_reaches_children_and_their_children_but_no_detached_scope() {
        let mut scopes = Scopes::default();
        let child = scopes.child(ScopeId::ROOT);
        let grandchild = scopes.child(child);
        let detached = scopes.detached();
        let under_detached = scopes.child(detached);
        let sibling = scopes.child(ScopeId::ROOT);
        let all = [ScopeId::ROOT, child, grandchild, detached, under_detached, sibling];
        let mut slots = Slots::default();
        let started = [sibling, grandchild, child, ScopeId::ROOT, child, detached].map(|id| {
            let slot = slots.add(SlotKind::Timer, id == ScopeId::ROOT, 1, 0);
            scopes.add_slot(id, slot);
            slot
        });
        let state = |scopes: &Scopes| all.map(|id| scopes.is_cancelled(id));
        let cancel = |scopes: &mut Scopes, id| scopes.cancel(id, &slots).map(|cancelled| cancelled.slots);
        let those = |indexes: &[usize]| Some(indexes.iter().map(|index| started[*index]).collect::<Vec<_>>());

        assert_eq!(cancel(&mut scopes, child), those(&[1, 2, 4]));
        assert_eq!(state(&scopes), [false, true, true, false, false, false]);
        assert_eq!(cancel(&mut scopes, ScopeId::ROOT), those(&[0, 3]));
        assert_eq!(state(&scopes), [true, true, true, false, false, true]);
        assert_eq!(cancel(&mut scopes, ScopeId::ROOT), None);
        assert_eq!(cancel(&mut scopes, detached), those(&[5]));
        assert_eq!(state(&scopes), [true; 6]);
        let late = scopes.child(child);
        assert!(scopes.is_cancelled(late));
    }
}
