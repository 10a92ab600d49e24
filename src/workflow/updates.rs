//! [`Updates`]: the updates that have come to an instance, and what handles them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use super::error::WorkflowError;
use crate::program::Payload;

pub(super) type Running = Pin<Box<dyn Future<Output = Result<Payload, WorkflowError>>>>;
type Validate = dyn Fn(&Payload) -> Result<(), WorkflowError>;
type Start = dyn Fn(&Payload) -> Result<Running, WorkflowError>;

/// The validator and the handler of the updates of one name.
pub(super) struct Handler {
    pub validate: Box<Validate>,
    pub start: Box<Start>,
}

/// An update that has arrived and waits for its handler.
pub(super) struct Arrived {
    pub id: Arc<str>,
    pub name: Arc<str>,
    pub input: Payload,
    pub validate: bool,
}

/// The updates of an instance, with the handlers that the code has given.
#[derive(Default)]
pub(super) struct Updates {
    pub handlers: BTreeMap<Arc<str>, Rc<Handler>>,
    pub arrived: VecDeque<Arrived>,
    /// Those that were accepted and have not ended. One is `None` while it is polled.
    pub running: Vec<(Arc<str>, Option<Running>)>,
    /// The wakers of those who wait until none runs.
    pub waiting: Vec<Waker>,
}

impl fmt::Debug for Updates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.handlers.keys()).finish()
    }
}

impl Updates {
    pub fn has_handler(&self, update: &Arrived) -> bool {
        self.handlers.contains_key(&update.name)
    }

    /// Takes the first update that has arrived and has a handler.
    pub fn next(&mut self) -> Option<(Arrived, Rc<Handler>)> {
        let place = self.arrived.iter().position(|update| self.has_handler(update))?;
        let update = self.arrived.remove(place)?;
        let handler = Rc::clone(&self.handlers[&update.name]);
        Some((update, handler))
    }
}
