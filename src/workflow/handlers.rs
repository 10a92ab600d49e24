//! [`Handlers`]: what answers queries.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::error::WorkflowError;
use crate::program::Payload;

/// Answers queries of one name.
pub(super) type Handler = Rc<dyn Fn(&Payload) -> Result<Payload, WorkflowError>>;

/// The handlers by the names of their queries.
#[derive(Default)]
pub(super) struct Handlers(BTreeMap<Arc<str>, Handler>);

impl Handlers {
    /// Adds a handler. The one that had the name before is returned, to be dropped outside any borrow.
    pub fn insert(&mut self, name: Arc<str>, handler: Handler) -> Option<Handler> {
        self.0.insert(name, handler)
    }

    pub fn get(&self, name: &str) -> Option<Handler> {
        self.0.get(name).cloned()
    }

    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}
