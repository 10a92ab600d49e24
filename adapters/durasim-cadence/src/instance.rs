//! [`Instance`]: one instance of a workflow of the client.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crabdance_core::{WorkflowExecution, WorkflowInfo, WorkflowType};
use crabdance_workflow::DefaultWorkflowError;
use crabdance_workflow::context::{QueryHandler, WorkflowContext, WorkflowContextBuilder};
use crabdance_workflow::dispatcher::WorkflowDispatcher;
use durasim::program::{
    Activation, ActivityResolution, ChildResolution, Command, ContinueAsNew, Failure, Job, Payload, RunInfo,
    TaskFailure, WorkflowLink, WorkflowRun, panics,
};

use crate::ground::Ground;
use crate::other_error::{child_cancelled, child_failed, not_cancelled, not_signalled};
use crate::queries::Asked;
use crate::sink::{Cache, Kind, Sink, locked};
use crate::utc;
use crate::waiting::Answer;
use crate::wake::WakeFlag;
use crate::workflow_error::{activity_cancelled, activity_failed, closing, unwound};

/// The code of an instance.
pub(crate) type Code = Pin<Box<dyn Future<Output = Answer>>>;

/// The end of a run by its code.
enum End {
    Returned(Answer),
    AsNew(Arc<ContinueAsNew>),
}

/// How often code gets further in one activation before it is taken for a loop.
const MOST_STEPS: u32 = 10_000;

/// How often spawned tasks are polled, at least and for each of them, after the last step that shows. A message in a
/// channel between them does not show, and the client's dispatcher wakes nobody.
const QUIET_ROUNDS: usize = 2_000;
const QUIET_ROUNDS_FOR_EACH: usize = 9;

/// One instance of a workflow: the client's context and its dispatcher, and the code.
pub(crate) struct Instance {
    ctx: WorkflowContext,
    sink: Sink,
    signals: Cache<String, Vec<Vec<u8>>>,
    queries: Arc<Mutex<HashMap<String, QueryHandler>>>,
    /// Runs what the code spawns.
    dispatcher: Arc<Mutex<WorkflowDispatcher>>,
    flag: Arc<WakeFlag>,
    waker: Waker,
    cancel_requested: bool,
    run: Arc<RunInfo>,
    /// `None` once the workflow has closed or its task has failed.
    code: Option<Code>,
}

impl Instance {
    /// Makes an instance whose code is made by `start`.
    pub(crate) fn new(
        run: Arc<RunInfo>,
        link: Arc<dyn WorkflowLink>,
        start: impl FnOnce(WorkflowContext) -> Result<Code, TaskFailure>,
    ) -> Result<Instance, TaskFailure> {
        let sink = Sink::new(link, Arc::clone(&run));
        let (signals, queries) = (Cache::default(), Arc::default());
        let ctx = WorkflowContextBuilder::new(info(&run), Arc::new(sink.clone()))
            .signals(Arc::clone(&signals))
            .query_handlers(Arc::clone(&queries))
            .side_effect_results(sink.side_effects.clone())
            .mutable_side_effects(sink.values.clone())
            .change_versions(sink.versions.clone())
            .build();
        let dispatcher = Arc::<Mutex<WorkflowDispatcher>>::default();
        ctx.set_dispatcher(dispatcher.clone());
        let flag = Arc::<WakeFlag>::default();
        let waker = Waker::from(flag.clone());
        let mut instance =
            Instance { ctx, sink, signals, queries, dispatcher, flag, waker, cancel_requested: false, run, code: None };
        instance.code = Some(start(instance.ctx.clone())?);
        Ok(instance)
    }

    /// Takes in one piece of news.
    fn apply(&mut self, job: &Job) -> Result<(), TaskFailure> {
        let woken = match job {
            Job::Start | Job::Query { .. } => None,
            Job::Marker(marker) => {
                self.sink.recall(marker)?;
                None
            }
            Job::Signal { name, input } => {
                locked(&self.signals).entry(name.to_string()).or_default().push(input.as_bytes().to_vec());
                None
            }
            Job::FireTimer(seq) => self.sink.end(Kind::Timer, *seq, Ok(Vec::new()))?,
            Job::ActivityDone { seq, result } => {
                let answer = match result {
                    ActivityResolution::Completed(output) => Ok(output.as_bytes().to_vec()),
                    ActivityResolution::Failed(failure) => Err(activity_failed(failure)),
                    ActivityResolution::Cancelled(_) => Err(activity_cancelled()),
                    other => return Err(TaskFailure::Unsupported(format!("an activity that ended as {other:?}"))),
                };
                self.sink.end(Kind::Activity, *seq, answer)?
            }
            Job::ChildStarted { seq, result } => match self.sink.child_started(*seq, result)? {
                Some(answer) => self.sink.end(Kind::Child, *seq, answer)?,
                None => None,
            },
            Job::ChildDone { seq, result } => {
                let answer = match result {
                    ChildResolution::Completed(output) => Ok(output.as_bytes().to_vec()),
                    ChildResolution::Failed(failure) => Err(child_failed(failure)),
                    ChildResolution::Cancelled(_) => Err(child_cancelled()),
                    other => return Err(TaskFailure::Unsupported(format!("a child that ended as {other:?}"))),
                };
                self.sink.end(Kind::Child, *seq, answer)?
            }
            Job::SignalDone { seq, failure } => self.sink.end(Kind::Signal, *seq, arrived(failure, not_signalled))?,
            Job::CancelDone { seq, failure } => self.sink.end(Kind::Cancel, *seq, arrived(failure, not_cancelled))?,
            Job::Cancel { .. } => {
                self.cancel_requested = true;
                self.ctx.set_cancelled(true);
                self.sink.cancel_all();
                None
            }
            other => return Err(TaskFailure::Unsupported(format!("news for a workflow such as {other:?}"))),
        };
        if let Some(waker) = woken {
            waker.wake();
        }
        Ok(())
    }

    /// Runs the code until it can go no further. Gives its end, if it has come to it.
    fn go_on(&mut self) -> Result<Option<End>, TaskFailure> {
        let ground = Ground::new();
        let end = {
            let _entered = ground.enter();
            panics::catch(|| self.rounds()).map_err(unwound)?
        };
        if self.sink.has_failed() {
            return Ok(None);
        }
        self.sink.look_at_the_count(&self.ctx);
        if ground.tasks() > self.sink.versions_added() || ground.blocks() {
            let workflow = &self.run.workflow_type;
            return Err(TaskFailure::Misuse(format!(
                "workflow `{workflow}` calls `tokio::spawn` or `spawn_blocking`, whose tasks no replay would bring: spawn tasks of a \
                 workflow with `ctx.spawn`, and do what blocks in an activity"
            )));
        }
        end
    }

    /// Polls the code and all that it has spawned, as long as one of them gets further.
    fn rounds(&mut self) -> Result<Option<End>, TaskFailure> {
        let results = locked(&self.dispatcher).get_completed_results_arc();
        let mut tasks = counted(&locked(&self.dispatcher));
        let (mut quiet, mut gone_on) = (0, 0);
        while gone_on < MOST_STEPS {
            let (steps, waiting) = (self.sink.steps(), locked(&results).len());
            // It is polled whether it was woken or not: the client's signals, cancels and joins wake nobody.
            let Some(code) = &mut self.code else { return Ok(None) };
            let polled = code.as_mut().poll(&mut Context::from_waker(&self.waker));
            if let Some(next) = self.sink.next_run() {
                return Ok(Some(End::AsNew(next)));
            }
            if let Poll::Ready(end) = polled {
                return Ok(Some(End::Returned(end)));
            }
            let joined = locked(&results).len() != waiting;
            let mut dispatcher = locked(&self.dispatcher);
            dispatcher.execute_until_all_blocked().map_err(|why| TaskFailure::Misuse(why.to_string()))?;
            let before = std::mem::replace(&mut tasks, counted(&dispatcher));
            drop(dispatcher);
            if self.sink.has_failed() {
                return Ok(None);
            }
            // A spawned task may have asked for it.
            if let Some(next) = self.sink.next_run() {
                return Ok(Some(End::AsNew(next)));
            }
            let limit = match tasks.0 - tasks.1 {
                0 => 0,
                live => QUIET_ROUNDS.max(QUIET_ROUNDS_FOR_EACH * live),
            };
            // The things that the code itself has asked for bring it no further, unless a task waits for that.
            let stepped = limit > 0 && self.sink.steps() != steps;
            if self.flag.take() || joined || stepped || before != tasks {
                (quiet, gone_on) = (0, gone_on + 1);
            } else if quiet >= limit {
                return Ok(None);
            } else {
                quiet += 1;
            }
        }
        Err(TaskFailure::Misuse(format!(
            "the code of workflow `{}` went on {MOST_STEPS} times without waiting for anything: it is in a loop",
            self.run.workflow_type
        )))
    }

    /// Drops the code and all that it has spawned. Nothing is asked for any more.
    ///
    /// A sender that goes wakes receivers which have gone before it, so this is a part of the activation for wakers.
    fn drop_code(&mut self) {
        self.sink.close();
        self.flag.begin();
        let code = self.code.take();
        // The tasks hold contexts, and the context holds its dispatcher: it gets another one.
        let tasks = std::mem::take(&mut self.dispatcher);
        self.ctx.set_dispatcher(self.dispatcher.clone());
        let ground = Ground::new();
        let _entered = ground.enter();
        // A panic of a destructor has no one to go to.
        let _ = panics::catch_drop(code);
        let _ = panics::catch_drop(tasks);
        self.flag.end();
    }
}

impl WorkflowRun for Instance {
    fn activate(&mut self, activation: &Activation, commands: &mut Vec<Command>) -> Result<(), TaskFailure> {
        let queries = || activation.jobs.iter().filter(|job| matches!(job, Job::Query { .. }));
        if queries().count() < activation.jobs.len() || activation.jobs.is_empty() {
            if self.code.is_none() {
                let workflow = &self.run.workflow_type;
                return Err(TaskFailure::Misuse(format!("workflow `{workflow}` was activated after it had closed")));
            }
            let end = self.take_turn(activation);
            if !matches!(end, Ok(None)) {
                self.drop_code();
            }
            let end = end?;
            self.sink.take(commands)?;
            commands.extend(queries().map(|query| self.answer(query)));
            commands.extend(end.map(|end| match end {
                End::Returned(Ok(output)) => Command::Complete(Payload::limited(output)),
                End::Returned(Err(error)) => closing(&error, self.cancel_requested),
                End::AsNew(next) => Command::ContinueAsNew(next),
            }));
        } else {
            commands.extend(queries().map(|query| self.answer(query)));
        }
        Ok(())
    }

    fn foreign_wake(&self) -> bool {
        self.flag.is_foreign()
    }
}

impl Instance {
    fn answer(&self, query: &Job) -> Command {
        let Job::Query { id, name, input } = query else { unreachable!("it is one of the queries among the jobs") };
        let asked = Asked {
            ctx: &self.ctx,
            sink: &self.sink,
            handlers: &self.queries,
            signals: &self.signals,
            dispatcher: &self.dispatcher,
            flag: &self.flag,
            run: &self.run,
            is_open: self.code.is_some(),
        };
        Command::QueryAnswer { id: *id, result: asked.answer(name, input).map_err(Arc::new) }
    }

    fn take_turn(&mut self, activation: &Activation) -> Result<Option<End>, TaskFailure> {
        self.flag.begin();
        self.sink.begin();
        self.ctx.set_current_time_nanos(utc(activation.now).timestamp_nanos_opt().unwrap_or(i64::MAX));
        self.ctx.set_replay_mode(activation.replaying);
        let end = activation.jobs.iter().try_for_each(|job| self.apply(job)).and_then(|()| self.go_on());
        self.flag.end();
        end
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.drop_code();
        // They may hold contexts of this very instance.
        let queries = std::mem::take(&mut *locked(&self.queries));
        let _ = panics::catch_drop(queries);
    }
}

/// The tasks that have been spawned, and those of them that have ended.
fn counted(dispatcher: &WorkflowDispatcher) -> (usize, usize) {
    (dispatcher.task_count(), dispatcher.completed_task_count())
}

/// The answer to a message to another workflow.
fn arrived(failure: &Option<Arc<Failure>>, error: fn() -> DefaultWorkflowError) -> Answer {
    match failure {
        None => Ok(Vec::new()),
        Some(_) => Err(error()),
    }
}

fn info(run: &RunInfo) -> WorkflowInfo {
    let execution = |workflow_id: &str, run_id: &str| WorkflowExecution::new(workflow_id, run_id);
    WorkflowInfo {
        workflow_execution: execution(&run.workflow_id, &run.run_id),
        workflow_type: WorkflowType { name: run.workflow_type.to_string() },
        task_list: run.task_queue.to_string(),
        start_time: utc(run.started_at),
        execution_start_to_close_timeout: run.run_timeout.to_duration(),
        task_start_to_close_timeout: run.task_timeout.to_duration(),
        // Cadence counts from 0.
        attempt: i32::try_from(run.attempt.saturating_sub(1)).unwrap_or(i32::MAX),
        continued_execution_run_id: run.continued_run_id.as_deref().map(str::to_owned),
        parent_workflow_execution: run.parent.as_ref().map(|parent| execution(&parent.workflow_id, &parent.run_id)),
        cron_schedule: run.cron.as_deref().map(str::to_owned),
        memo: None,
        search_attributes: None,
    }
}
