//! [`Run`]: what a run leaves.

use std::any::type_name;
use std::cell::OnceCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use thiserror::Error;

use super::core::World;
use super::error::RunError;
use super::event_places::EventPlaces;
use super::in_vain::impossible;
use super::ledgers::Known;
use super::nearest::not_fired;
use super::states::unknown_state;
use super::survey::survey;
use super::violated::Seen;
use crate::fault::asked::Asked;
use crate::fault::menu::LocalLimits;
use crate::fault::survey::Survey;
use crate::fault::{Entry, Order, Plan};
use crate::program::panics::Panic;
use crate::program::{Payload, RetrySpec, Time, Timeouts};
use crate::service::{ActivityKey, HistoryEvent, WorkflowKey, WorkflowOutcome};
use crate::trace::attempts::Executions;
use crate::trace::record::{self, ActivityRecord};
use crate::trace::{AttemptKey, Trace, Who};

/// A finished run: its outcome, its trace, and the state it left.
///
/// Not `Send`: it holds the run's state. Everything user code left behind is dropped with it.
pub struct Run {
    /// `None` only while it is being dropped.
    world: Option<Rc<World>>,
    /// As `world`.
    trace: Option<Trace>,
    /// The trace as it is read, once somebody asks.
    executions: OnceCell<Executions>,
    seed: u64,
    order: Order,
    /// The value that the script of the run returned, if it had one that came to its end.
    script: Option<Payload>,
    /// The user has it, and is told what a state's destructor panics with.
    is_the_users: bool,
    /// Two things have woken one task before it was polled.
    has_raced: bool,
    /// The table has the places of its events, if the run is made to be told of.
    event_places: Option<EventPlaces>,
}

/// A run and what ended it early, if anything.
pub(crate) struct Finished {
    pub(crate) run: Run,
    pub(crate) error: Option<RunError>,
}

impl Finished {
    pub(crate) fn into_result(self) -> Result<Run, RunError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.run),
        }
    }
}

/// How the workflow of a run ended.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The run ended early: the workflow is still open.
    Open,
    /// It closed.
    Closed(WorkflowOutcome),
    /// The run had a script, which returned this.
    Script(Payload),
}

/// Why [`Run::result`] has no result.
#[derive(Clone, PartialEq, Debug, Error)]
#[non_exhaustive]
pub enum ResultError {
    /// The workflow is still open.
    #[error("the workflow is still open")]
    Open,
    /// It failed, timed out or was cancelled.
    #[error("the workflow did not complete: {0}")]
    NotCompleted(String),
    /// The result is of another type.
    #[error("the workflow's result does not decode as `{wanted}`: {why}; it is {result}")]
    Decode {
        /// The type asked for.
        wanted: &'static str,
        /// The words of serde_json.
        why: String,
        /// The result as text.
        result: String,
    },
}

impl Run {
    pub(super) fn new(world: Rc<World>, seed: u64, order: Order) -> Run {
        let (trace, has_raced, event_places) = {
            let mut core = world.core.borrow_mut();
            (core.take_trace(), core.executor.has_raced(), core.event_places.take())
        };
        Run {
            world: Some(world),
            trace: Some(trace),
            executions: OnceCell::new(),
            seed,
            order,
            script: None,
            is_the_users: false,
            has_raced,
            event_places,
        }
    }

    /// The run as it is given to the user: a state whose destructor panics, such as a mock that verifies its calls, panics when
    /// it is dropped.
    pub(crate) fn for_the_user(mut self) -> Run {
        self.is_the_users = true;
        self
    }

    /// Drops the state of the run and what its crashes left, and says what a state's destructor panicked with. From here on
    /// only its trace and its outcome are there.
    pub(crate) fn drop_state(&self) -> Option<String> {
        self.world().drop_remains().map(|panic| dropped_state(&panic))
    }

    /// Says whether two things have woken one task before it was polled: code that waits for either may then go another way
    /// when the run is made again.
    pub(crate) fn has_raced(&self) -> bool {
        self.has_raced
    }

    pub(super) fn event_places(&self) -> Option<&EventPlaces> {
        self.event_places.as_ref()
    }

    pub(super) fn set_script_result(&mut self, result: Payload) {
        self.script = Some(result);
    }

    /// How the workflow ended, or, of a run with a script, what that returned.
    pub fn outcome(&self) -> Outcome {
        if let Some(result) = &self.script {
            return Outcome::Script(result.clone());
        }
        let core = self.world().core.borrow();
        if self.trace().workflows().is_empty() {
            return Outcome::Open;
        }
        core.service
            .workflow(core.service.newest_in_chain(WorkflowKey::FIRST))
            .outcome()
            .map_or(Outcome::Open, |outcome| Outcome::Closed(outcome.clone()))
    }

    /// Says whether another run of its chain follows this run of a workflow.
    pub(crate) fn is_followed(&self, workflow: WorkflowKey) -> bool {
        self.world().core.borrow().service.workflow(workflow).successor().is_some()
    }

    /// The workflow's result, or the script's.
    ///
    /// # Errors
    /// [`ResultError`] if it did not complete, or with something else.
    pub fn result<T: DeserializeOwned>(&self) -> Result<T, ResultError> {
        match self.outcome() {
            Outcome::Open => Err(ResultError::Open),
            Outcome::Closed(WorkflowOutcome::Completed(result)) | Outcome::Script(result) => {
                result.to_json().map_err(|why| ResultError::Decode {
                    wanted: type_name::<T>(),
                    why: why.to_string(),
                    result: result.to_string(),
                })
            }
            Outcome::Closed(other) => {
                let failed = self.failed_task().map(|error| format!("; {error}")).unwrap_or_default();
                Err(ResultError::NotCompleted(other.words() + &failed))
            }
        }
    }

    /// The error of the first workflow task that failed, whether the workflow went on later, as one does that a deploy heals, or
    /// not; `None` if none did. News that arrives while a workflow closes fails its task too: that is as it should be, and no
    /// error.
    pub fn failed_task(&self) -> Option<RunError> {
        self.world().core.borrow().failed_task()
    }

    /// A piece of the state the run left.
    ///
    /// # Panics
    /// If there is no state of this type.
    #[track_caller]
    pub fn state<T: 'static>(&self) -> Rc<T> {
        match self.world().state::<T>() {
            Some(state) => state,
            None => panic!("{}", unknown_state::<T>(None)),
        }
    }

    /// The ledgers that the constructors of its states have made, in that order.
    pub(crate) fn ledgers(&self) -> Vec<Known> {
        self.world().ledgers()
    }

    /// The things that fakes saw and that must not be.
    pub(crate) fn violations(&self) -> Vec<Seen> {
        self.world().violations.all()
    }

    /// The run, unless a fake saw in it what must not be.
    ///
    /// # Errors
    /// [`RunError::Violated`].
    pub(crate) fn not_violated(self) -> Result<Run, RunError> {
        match self.violations().into_iter().next() {
            Some(Seen { message, place, .. }) => {
                let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
                Err(RunError::Violated { message, place })
            }
            None => Ok(self),
        }
    }

    /// Where faults could have struck, and how long its attempts took.
    pub(crate) fn survey(&self) -> Survey {
        let asked = self.world().setup.asked();
        survey(self.trace(), self.executions(), |activity| self.limits(activity).1, asked)
    }

    /// The faults that the user asks for, as they would strike at its end.
    pub(crate) fn asked(&self) -> Asked {
        self.world().core.borrow().asked()
    }

    /// The activities with their attempts and heartbeats, in the order in which they were scheduled.
    pub fn activities(&self) -> Vec<ActivityRecord> {
        record::activities(self.trace(), self.executions())
    }

    /// The workflows, activities, attempts and workers, with the events of the trace that tell of each step.
    pub fn executions(&self) -> &Executions {
        self.executions.get_or_init(|| Executions::of(self.trace()))
    }

    /// Everything that happened.
    pub fn trace(&self) -> &Trace {
        match &self.trace {
            Some(trace) => trace,
            None => unreachable!("a run is not used after it was dropped"),
        }
    }

    /// The workflow's history.
    pub fn history(&self) -> Vec<HistoryEvent> {
        if self.trace().workflows().is_empty() {
            return Vec::new();
        }
        self.world().core.borrow().service.history(WorkflowKey::FIRST).to_vec()
    }

    /// The history of a workflow of the run.
    pub(crate) fn history_of(&self, workflow: WorkflowKey) -> Vec<HistoryEvent> {
        self.world().core.borrow().service.history(workflow).to_vec()
    }

    /// Says whether the payloads of a workflow have the metadata of an SDK.
    pub(crate) fn has_envelopes(&self, workflow: WorkflowKey) -> bool {
        let workflow_type = &self.trace().workflows()[workflow].workflow_type;
        self.world().setup.has_envelopes(workflow_type)
    }

    /// The plan of the faults that struck: replays this run.
    pub fn plan(&self) -> Plan {
        let mut entries = Vec::new();
        for (point, fault) in self.trace().faults().values() {
            entries.push(Entry::new(point.clone(), *fault));
        }
        Plan::new(entries).with_seed(self.seed).with_order(self.order)
    }

    /// Entries of the plan whose points the run did not come to.
    pub fn not_fired(&self) -> Vec<Entry> {
        self.world().core.borrow().faults.not_struck()
    }

    /// Gives the run back if every fault of its plan struck, which `DURASIM_PLAN` and
    /// [`Exploration::replay`](crate::Exploration::replay) demand. [`Simulation::run`](crate::Simulation::run) does not: there
    /// [`Run::not_fired`] has the others.
    ///
    /// # Errors
    /// [`RunError::PlanNotFired`], with the nearest points that the run does come to.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use durasim::{Simulation, WorkflowContext, WorkflowError};
    /// # async fn nap(ctx: &WorkflowContext, _: ()) -> Result<(), WorkflowError> {
    /// #     ctx.sleep(Duration::from_secs(1)).await
    /// # }
    /// let simulation = Simulation::temporal().workflow("nap", nap).plan("nap#1:timer2=cancel".parse()?);
    /// let error = simulation.run("nap", &())?.strict().unwrap_err();
    /// assert!(error.to_string().contains("the nearest point that it comes to is `nap#1:timer1`"), "{error}");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn strict(self) -> Result<Run, RunError> {
        match self.plan_error() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// The error of a plan with a fault that did not strike.
    pub(crate) fn plan_error(&self) -> Option<RunError> {
        let not_struck = self.not_fired();
        let entry = not_struck.first()?;
        if let Some(why) = self.world().setup.bars(entry.fault) {
            return Some(RunError::PlanNotFired(format!("the plan no longer applies: `{entry}` cannot strike; {why}")));
        }
        let impossible = impossible(self.trace(), self.world().core.borrow().holds.in_vain(), entry);
        Some(impossible.unwrap_or_else(|| not_fired(self.trace(), self.executions(), entry)))
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// When the last thing happened: how long the run took, in virtual time.
    pub fn virtual_time(&self) -> Time {
        self.trace().events().last().map_or(Time::ZERO, |event| event.at)
    }

    /// Gives, in words, an attempt of this activity or workflow that waited until the run was over for something that
    /// nothing in the simulation wakes. It is to be asked of a run that ended without an error.
    pub(crate) fn waits_for_nothing(&self, whose: Who) -> Option<String> {
        self.world().core.borrow().waits_for_nothing(self.trace(), whose)
    }

    /// Says whether nothing but the schedule-to-close timeout would end a lost attempt of this activity.
    pub(crate) fn is_unprotected(&self, activity: ActivityKey) -> bool {
        let (timeouts, _) = self.limits(activity);
        timeouts.heartbeat.is_zero()
            && (timeouts.start_to_close.is_zero() || timeouts.start_to_close >= timeouts.schedule_to_close)
    }

    /// The timeouts and the retry policy in force for an activity, by its index in the trace.
    pub(crate) fn limits(&self, activity: ActivityKey) -> (Timeouts, Arc<RetrySpec>) {
        let core = self.world().core.borrow();
        let record = core.service.activity(activity);
        (record.timeouts(), record.retry().clone())
    }

    /// The limits of faults at a local activity; `None` for any other.
    pub(crate) fn local_limits(&self, activity: ActivityKey) -> Option<LocalLimits> {
        let core = self.world().core.borrow();
        let record = core.service.activity(activity);
        let task_timeout = core.service.workflow(record.workflow()).info().task_timeout.to_duration();
        record.is_local().then_some(LocalLimits { task_timeout, may_die: true })
    }

    /// The deadline of an attempt, as its code sees it.
    pub(crate) fn attempt_deadline(&self, attempt: AttemptKey) -> Option<Time> {
        self.world().core.borrow().attempts[attempt].deadline()
    }

    pub(super) fn world(&self) -> &Rc<World> {
        match &self.world {
            Some(world) => world,
            None => unreachable!("a run is not used after it was dropped"),
        }
    }
}

fn dropped_state(panic: &Panic) -> String {
    format!("a state of the run panicked when it was dropped: {panic}")
}

impl Drop for Run {
    fn drop(&mut self) {
        // The checks have seen everything: what crashes left behind may be dropped now.
        if let (Some(world), Some(trace)) = (self.world.take(), self.trace.take()) {
            let panic = world.drop_remains();
            world.leave_memory(trace);
            if let Some(panic) = panic.filter(|_| self.is_the_users && !std::thread::panicking()) {
                panic!("{}", dropped_state(&panic));
            }
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("outcome", &self.outcome())
            .field("virtual_time", &self.virtual_time())
            .field("plan", &self.plan())
            .finish_non_exhaustive()
    }
}
