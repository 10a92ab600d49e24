//! [`Inbox`]: the signals that have arrived and that the code has not taken.

use std::collections::VecDeque;
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

/// One mailbox for each name that a signal or a receiver has had. Few, so that a search is as good as a map.
#[derive(Debug, Default)]
pub(super) struct Inbox(Vec<Mailbox>);

impl Inbox {
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The mailbox of this name, which may be new: signals may come before anyone asks for them.
    pub fn mailbox(&mut self, name: &str) -> usize {
        match self.0.iter().position(|mailbox| *mailbox.name == *name) {
            Some(mailbox) => mailbox,
            None => {
                self.0.push(Mailbox { name: name.into(), waiting: VecDeque::new(), readers: Waiters::default() });
                self.0.len() - 1
            }
        }
    }

    /// Puts a signal behind those of its name. The wakers are for the caller to wake, once nothing is borrowed.
    pub fn deliver(&mut self, name: &str, input: Payload) -> Vec<Waker> {
        let mailbox = self.mailbox(name);
        let mailbox = &mut self.0[mailbox];
        mailbox.waiting.push_back(input);
        mailbox.readers.wakers().collect()
    }

    pub fn take(&mut self, mailbox: usize) -> Option<Payload> {
        self.0[mailbox].waiting.pop_front()
    }

    pub fn readers(&mut self, mailbox: usize) -> &mut Waiters {
        &mut self.0[mailbox].readers
    }

    pub fn name(&self, mailbox: usize) -> Arc<str> {
        self.0[mailbox].name.clone()
    }

    pub fn leave(&mut self, mailbox: usize, waiter: WaiterIndex) -> Option<Waker> {
        self.readers(mailbox).leave(waiter)
    }
}
