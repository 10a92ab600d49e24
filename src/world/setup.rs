//! [`Setup`]: what is fixed before a run begins.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::host_link::MakeHost;
use super::settings::Settings;
use super::states::StateMaker;
use super::watch::Watch;
use crate::fault::asked::Asked;
use crate::program::{ActivityProgram, An, Extensions, WorkflowProgram, list_names};
use crate::service::{Dialect, HistoryLimits};
use crate::worker::process::Worker;

/// The queue that is used where none is named.
pub(crate) const DEFAULT_TASK_QUEUE: &str = "default";

/// Is told the number of a worker whose process is gone.
pub(crate) type WorkerWatch = Arc<dyn Fn(u32) + Send + Sync>;

/// A user's configuration, as runs need it.
#[derive(Clone)]
pub(crate) struct Setup {
    activities: BTreeMap<Arc<str>, Arc<dyn ActivityProgram>>,
    workflows: BTreeMap<Arc<str>, Arc<dyn WorkflowProgram>>,
    pub(super) states: Vec<StateMaker>,
    /// They make what each process of each worker has for itself.
    pub(super) worker_states: Vec<StateMaker>,
    watches: Vec<Arc<Watch>>,
    pub(super) worker_watches: Vec<WorkerWatch>,
    extensions: Extensions,
    pub(super) host: Option<MakeHost>,
    pub(super) dialect: Dialect,
    pub(super) settings: Settings,
    pub(super) task_queue: Arc<str>,
    /// None means one, which polls the queue above and has no limit.
    pub(super) workers: Vec<WorkerSetup>,
    /// The simulation with the code that deploys put in place of this.
    pub(super) new_version: Option<Arc<Setup>>,
    pub(super) rolls_back: bool,
    duplicates_signals: bool,
    /// The names that this version takes anew from the one before: it may take each once.
    pub(super) replaced: Option<BTreeSet<(&'static str, Arc<str>)>>,
    /// Mistakes made while configuring, reported by the first run.
    pub(super) mistakes: Vec<String>,
}

/// A worker, as it is configured.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct WorkerSetup {
    task_queue: Arc<str>,
    /// Attempts at once; 0 means no limit.
    slots: u32,
}

/// The settings of the user.
impl Setup {
    /// Nothing but whose rules the service follows.
    pub(crate) fn of(dialect: Dialect) -> Setup {
        Setup {
            activities: BTreeMap::new(),
            workflows: BTreeMap::new(),
            states: Vec::new(),
            worker_states: Vec::new(),
            watches: Vec::new(),
            worker_watches: Vec::new(),
            extensions: Extensions::default(),
            host: None,
            dialect,
            settings: Settings::default(),
            task_queue: DEFAULT_TASK_QUEUE.into(),
            workers: Vec::new(),
            new_version: None,
            rolls_back: false,
            duplicates_signals: false,
            replaced: None,
            mistakes: Vec::new(),
        }
    }

    /// Registers an activity. Two of one name are a mistake, and so is an empty one.
    pub(crate) fn add_activity(&mut self, program: Arc<dyn ActivityProgram>) {
        let name: Arc<str> = program.activity_type().into();
        self.look_at_name("activity", &name);
        let is_known = self.activities.insert(name.clone(), program).is_some();
        if is_known && !self.replaces("activity", &name) {
            self.mistakes.push(format!("the activity `{name}` is registered twice"));
        }
    }

    /// Registers a workflow. Two of one name are a mistake, and so is an empty one.
    pub(crate) fn add_workflow(&mut self, program: Arc<dyn WorkflowProgram>) {
        let name: Arc<str> = program.workflow_type().into();
        self.look_at_name("workflow", &name);
        let is_known = self.workflows.insert(name.clone(), program).is_some();
        if is_known && !self.replaces("workflow", &name) {
            self.mistakes.push(format!("the workflow `{name}` is registered twice"));
        }
    }

    /// Says whether this is a new version, which takes this name anew for the first time.
    fn replaces(&mut self, kind: &'static str, name: &Arc<str>) -> bool {
        self.replaced.as_mut().is_some_and(|replaced| replaced.insert((kind, name.clone())))
    }

    fn look_at_name(&mut self, kind: &str, name: &str) {
        if name.is_empty() {
            self.mistakes.push(format!("{} is registered under an empty name", An(kind)));
        }
    }

    /// Adds a piece of state. Two of one type are a mistake.
    pub(crate) fn add_state(&mut self, maker: StateMaker) {
        if self.states.iter().any(|state| state.is_of_type_of(&maker)) {
            self.mistakes.push(format!("a state of type `{}` is registered twice", maker.type_name()));
        }
        self.states.push(maker);
    }

    /// Adds a piece of the state of each worker's process. Two of one type are a mistake.
    pub(crate) fn add_worker_state(&mut self, maker: StateMaker) {
        if self.worker_states.iter().any(|state| state.is_of_type_of(&maker)) {
            self.mistakes.push(format!("a worker state of type `{}` is registered twice", maker.type_name()));
        }
        self.worker_states.push(maker);
    }

    /// Adds a worker that runs so many attempts at once; 0 means no limit.
    pub(crate) fn add_worker(&mut self, task_queue: &str, slots: u32) {
        if task_queue.is_empty() {
            self.mistakes.push("a worker polls a task queue with an empty name".to_owned());
        }
        self.workers.push(WorkerSetup { task_queue: task_queue.into(), slots });
    }

    /// Adds what looks at the state whenever an attempt has ended.
    pub(crate) fn add_watch(&mut self, watch: Arc<Watch>) {
        self.watches.push(watch);
    }

    /// Lets signals arrive twice.
    pub(super) fn duplicate_signals(&mut self) {
        self.duplicates_signals = true;
    }

    /// Adds what is told of each worker process that is gone.
    pub(crate) fn add_worker_watch(&mut self, watch: WorkerWatch) {
        self.worker_watches.push(watch);
    }

    /// Sets the runtime that keeps time for the activities' code. Two are a mistake.
    pub(crate) fn set_host(&mut self, host: MakeHost) {
        if self.host.replace(host).is_some() {
            self.mistakes.push(
                "the simulation has two hosts (`.tokio()` and `.host(..)` each give it one): leave one of them away"
                    .to_owned(),
            );
        }
    }

    /// Changes the settings of an adapter.
    pub(crate) fn change_extension<T: Clone + Default + Send + Sync + 'static>(&mut self, change: impl FnOnce(&mut T)) {
        self.extensions.change(change);
    }

    /// Notes a mistake that an adapter has found.
    pub(crate) fn add_mistake(&mut self, mistake: String) {
        self.mistakes.push(mistake);
    }

    /// Sets all numbers. To undo one that was set before is a mistake.
    pub(crate) fn set_all(&mut self, settings: Settings) {
        if self.settings != Settings::default() {
            self.mistakes.push(
                "`.settings(..)` would undo a number that was set before: call it first, and once, or put the number into \
                 its `Settings { .. }`"
                    .to_owned(),
            );
        }
        self.settings = settings;
    }

    /// Sets some of the numbers.
    pub(crate) fn set(&mut self, set: impl FnOnce(&mut Settings)) {
        set(&mut self.settings);
    }
}

/// The parts that a run needs.
impl Setup {
    /// The first mistake that was made, whatever is to run.
    pub(super) fn mistake(&self) -> Option<String> {
        let of_settings = || self.settings.mistakes().next().map(str::to_owned);
        self.mistakes.first().cloned().or_else(of_settings).or_else(|| self.unpolled_queue())
    }

    fn unpolled_queue(&self) -> Option<String> {
        let mut polled = self.workers.iter().map(|worker| &worker.task_queue);
        if self.workers.is_empty() || polled.any(|queue| *queue == self.task_queue) {
            return None;
        }
        Some(format!(
            "no worker polls the task queue `{}`, on which workflows run (polled: {}): add \
             `.worker(WorkerOptions::default())`",
            self.task_queue,
            list_names(self.workers.iter().map(|worker| &worker.task_queue))
        ))
    }

    /// The faults that the user asks for, as they can strike a run which has just begun.
    pub(super) fn asked(&self) -> Asked {
        Asked { deploys: self.deploys(), duplicates: self.duplicates_signals }
    }

    /// The activity of this name.
    pub(super) fn activity(&self, name: &str) -> Option<&dyn ActivityProgram> {
        self.activities.get(name).map(|program| &**program)
    }

    /// The registered name of this activity, shared.
    pub(super) fn activity_name(&self, name: &str) -> Option<Arc<str>> {
        self.activities.get_key_value(name).map(|(name, _)| name.clone())
    }

    /// The registered name of this activity in any version, shared.
    pub(crate) fn known_activity_name(&self, name: &str) -> Option<Arc<str>> {
        self.activity_name(name).or_else(|| self.new_version()?.known_activity_name(name))
    }

    /// The activities, by name.
    pub(crate) fn activities(&self) -> impl Iterator<Item = &Arc<str>> {
        self.activities.keys()
    }

    /// The workflow of this name.
    pub(super) fn workflow(&self, name: &str) -> Option<&dyn WorkflowProgram> {
        self.workflows.get(name).map(|program| &**program)
    }

    /// Says whether the payloads of this workflow have the metadata of an SDK.
    pub(crate) fn has_envelopes(&self, workflow_type: &str) -> bool {
        self.workflow(workflow_type).is_some_and(WorkflowProgram::has_envelopes)
    }

    /// The registered name of this workflow in any version, shared.
    pub(crate) fn workflow_name(&self, name: &str) -> Option<Arc<str>> {
        let own = self.workflows.get_key_value(name).map(|(name, _)| name.clone());
        own.or_else(|| self.new_version()?.workflow_name(name))
    }

    /// The workflows, by name.
    pub(super) fn workflows(&self) -> impl Iterator<Item = &Arc<str>> {
        self.workflows.keys()
    }

    /// The constructors of the state.
    pub(super) fn states(&self) -> &[StateMaker] {
        &self.states
    }

    /// The constructors of the state of workers' processes.
    pub(super) fn worker_states(&self) -> &[StateMaker] {
        &self.worker_states
    }

    /// The watches that look at the state whenever an attempt has ended.
    pub(super) fn watches(&self) -> &[Arc<Watch>] {
        &self.watches
    }

    /// The fakes that are told of worker processes that are gone.
    pub(super) fn worker_watches(&self) -> &[WorkerWatch] {
        &self.worker_watches
    }

    /// The settings that adapters keep.
    pub(super) fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Makes the runtime that keeps time for the activities' code.
    pub(crate) fn host(&self) -> Option<&MakeHost> {
        self.host.as_ref()
    }

    /// Gives the dialect whose rules the service follows.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The numbers of the simulated world.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The limits of histories in this dialect.
    pub(crate) fn limits_of_histories(&self) -> HistoryLimits {
        self.settings.limits_of_histories(self.dialect)
    }

    /// The queue that workflows and activities use unless they name another.
    pub(crate) fn task_queue(&self) -> &Arc<str> {
        &self.task_queue
    }

    /// The workers as they come up: those that were added, or else one that polls the queue above and has no limit.
    pub(super) fn workers(&self) -> impl Iterator<Item = Worker> {
        let only = self.workers.is_empty().then(|| Worker::new(self.task_queue.clone(), 0));
        let added = self.workers.iter().map(|worker| Worker::new(worker.task_queue.clone(), worker.slots));
        only.into_iter().chain(added)
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("activities", &self.activities.keys().collect::<Vec<_>>())
            .field("workflows", &self.workflows.keys().collect::<Vec<_>>())
            .field("states", &self.states.iter().map(StateMaker::type_name).collect::<Vec<_>>())
            .field("dialect", &self.dialect)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
