//! [`Setup`]: what is fixed before a run begins.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::core::outside_workflow;
use crate::program::{ActivityProgram, WorkflowLink, WorkflowProgram};
use crate::service::Dialect;

use super::settings::Settings;
use super::watch::Watch;

/// The queue that is used where none is named.
pub(crate) const DEFAULT_TASK_QUEUE: &str = "default";

/// Makes one piece of state, fresh for each run.
#[derive(Clone)]
pub(crate) struct StateMaker {
    pub(crate) key: TypeId,
    pub(crate) type_name: &'static str,
    pub(crate) make: Arc<dyn Fn() -> Rc<dyn Any> + Send + Sync>,
}

/// What a user configures, as runs need it.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) activities: BTreeMap<Arc<str>, Arc<dyn ActivityProgram>>,
    pub(crate) workflows: BTreeMap<Arc<str>, Arc<dyn WorkflowProgram>>,
    pub(crate) states: Vec<StateMaker>,
    /// What looks at the state whenever an attempt has ended.
    pub(crate) watches: Vec<Arc<Watch>>,
    pub(crate) dialect: Dialect,
    pub(crate) settings: Settings,
    /// The queue that workflows and activities use unless they name another.
    pub(crate) task_queue: Arc<str>,
    /// The workers; none means one, which polls that queue and has no limit.
    pub(crate) workers: Vec<WorkerSetup>,
    /// Mistakes made while configuring, reported by the first run.
    pub(crate) mistakes: Vec<String>,
}

/// A worker, as it is configured.
#[derive(Clone, Debug)]
pub(crate) struct WorkerSetup {
    pub(crate) task_queue: Arc<str>,
    /// Attempts at once; 0 means no limit.
    pub(crate) slots: u32,
}

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            activities: BTreeMap::new(),
            workflows: BTreeMap::new(),
            states: Vec::new(),
            watches: Vec::new(),
            dialect: Dialect::Temporal,
            settings: Settings::default(),
            task_queue: DEFAULT_TASK_QUEUE.into(),
            workers: Vec::new(),
            mistakes: Vec::new(),
        }
    }
}

impl fmt::Debug for Setup {
    // Inline as a derived one is: compiled only where it is used.
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("activities", &self.activities.keys().collect::<Vec<_>>())
            .field("workflows", &self.workflows.keys().collect::<Vec<_>>())
            .field("states", &self.states.iter().map(|state| state.type_name).collect::<Vec<_>>())
            .field("dialect", &self.dialect)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl WorkflowLink for Setup {
    fn activity_type(&self, name: &str) -> Option<Arc<str>> {
        self.activities.get_key_value(name).map(|(name, _)| name.clone())
    }

    fn event_budget(&self) -> usize {
        self.settings.event_budget
    }

    fn outside(&self, call: &mut dyn FnMut()) {
        outside_workflow(call);
    }
}
