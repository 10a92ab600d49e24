//! [`Setup`]: what is fixed before a run begins.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::states::StateMaker;
use super::watch::Watch;
use crate::program::{ActivityProgram, WorkflowProgram};
use crate::service::Dialect;

use super::settings::Settings;

/// The queue that is used where none is named.
pub(crate) const DEFAULT_TASK_QUEUE: &str = "default";

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
