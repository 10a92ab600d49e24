//! [`Resources`]: what the activities of one process of a worker share.

use std::any::Any;
use std::sync::Arc;

use durasim::program::{ActivityLink, PerProcess};

/// Resources as the client's context gives them to the code.
pub(crate) type Given = Arc<dyn Any + Send + Sync>;

/// The source of an attempt's resources.
pub(crate) trait Resources: Clone + Send + Sync + 'static {
    /// The resources of the process that runs this attempt.
    fn of(&self, link: &dyn ActivityLink) -> Option<Given>;

    /// The type of the resources, for messages.
    fn type_name(&self) -> Option<&'static str>;
}

/// There are none.
#[derive(Clone)]
pub(crate) struct No;

impl Resources for No {
    fn of(&self, _: &dyn ActivityLink) -> Option<Given> {
        None
    }

    fn type_name(&self) -> Option<&'static str> {
        None
    }
}

/// Each process makes its own.
impl<R: Send + Sync + 'static> Resources for PerProcess<Arc<R>> {
    fn of(&self, link: &dyn ActivityLink) -> Option<Given> {
        Some(Arc::<R>::clone(&self.get(link)))
    }

    fn type_name(&self) -> Option<&'static str> {
        Some(std::any::type_name::<R>())
    }
}
