//! [`Inbox`]: the signals that have arrived and that the code has not taken.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::Waker;

use crate::program::{Payload, WaiterIndex, Waiters};

/// The signals of one name.
#[derive(Debug)]
struct Mailbox {
    name: Arc<str>,
    waiting: VecDeque<Payload>,
    readers: Waiters,
}

/// One mailbox for each name that a signal or a receiver has had.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    mailboxes: Vec<Mailbox>,
    by_name: BTreeMap<Arc<str>, usize>,
}

impl Inbox {
    /// The mailbox of this name, which may be new: signals may come before anyone asks for them.
    pub fn mailbox(&mut self, name: &str) -> usize {
        if let Some(mailbox) = self.by_name.get(name) {
            return *mailbox;
        }
        let (name, index) = (Arc::<str>::from(name), self.mailboxes.len());
        self.by_name.insert(name.clone(), index);
        self.mailboxes.push(Mailbox { name, waiting: VecDeque::new(), readers: Waiters::default() });
        index
    }

    /// Puts a signal behind those of its name. The wakers are for the caller to wake, once nothing is borrowed.
    pub fn deliver(&mut self, name: &str, input: Payload) -> Vec<Waker> {
        let index = self.mailbox(name);
        let mailbox = &mut self.mailboxes[index];
        mailbox.waiting.push_back(input);
        mailbox.readers.wakers().collect()
    }

    pub fn take(&mut self, mailbox: usize) -> Option<Payload> {
        self.mailboxes[mailbox].waiting.pop_front()
    }

    pub fn readers(&mut self, mailbox: usize) -> &mut Waiters {
        &mut self.mailboxes[mailbox].readers
    }

    pub fn name(&self, mailbox: usize) -> Arc<str> {
        self.mailboxes[mailbox].name.clone()
    }

    pub fn leave(&mut self, mailbox: usize, waiter: WaiterIndex) -> Option<Waker> {
        self.readers(mailbox).leave(waiter)
    }
}
