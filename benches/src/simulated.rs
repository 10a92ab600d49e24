//! The workloads on durasim, through its public surface.

use std::marker::PhantomData;
use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Run, Simulation, WorkflowContext, WorkflowError,
};

use crate::workload::{self, AttemptHost, Batch, Codec, Done, Job, Json, Raw, WorkflowHost, Workload};

/// The timers that code of an attempt waits with.
pub trait Timers: 'static {
    fn sleep(length: Duration) -> impl Future<Output = ()>;
}

/// durasim's own.
pub enum Native {}

impl Timers for Native {
    fn sleep(length: Duration) -> impl Future<Output = ()> {
        durasim::time::sleep(length)
    }
}

struct Attempt<'a, T>(&'a ActivityContext, PhantomData<T>);

impl<T: Timers> AttemptHost for Attempt<'_, T> {
    fn sleep(&self, length: Duration) -> impl Future<Output = ()> {
        T::sleep(length)
    }

    fn heartbeat(&self, details: &[u8]) {
        self.0.record_heartbeat(Some(details));
    }

    fn details(&self) -> Option<&[u8]> {
        self.0.get_heartbeat_details()
    }

    fn attempt(&self) -> u32 {
        self.0.get_info().attempt
    }
}

struct Workflow<'a> {
    ctx: &'a WorkflowContext,
    json: bool,
    schedule_to_close: Duration,
}

impl WorkflowHost for Workflow<'_> {
    type Error = WorkflowError;

    fn chunks(&self, job: &Job) -> impl Future<Output = Result<Done, WorkflowError>> {
        let options = ActivityOptions {
            schedule_to_close_timeout: self.schedule_to_close,
            heartbeat_timeout: Duration::from_secs(30),
            retry_policy: Some(RetryPolicy {
                initial_interval: Duration::from_secs(1),
                backoff_coefficient: 2.0,
                maximum_attempts: 5,
                ..Default::default()
            }),
            ..Default::default()
        };
        // Asked for at the call, like every activity.
        let (typed, bytes) = if self.json {
            (Some(self.ctx.execute_activity::<Done>("chunks", job, options)), None)
        } else {
            (None, Some(self.ctx.execute_activity_bytes("chunks", Raw::job(job), options)))
        };
        async move {
            match (typed, bytes) {
                (Some(typed), _) => typed.await,
                (None, Some(bytes)) => bytes.await.map(|bytes| Raw::read_done(&bytes)),
                (None, None) => unreachable!("one of them was asked for"),
            }
        }
    }
}

async fn attempt<C: Codec, T: Timers>(ctx: &ActivityContext, job: Job) -> Result<Done, ActivityError> {
    workload::chunks::<C>(&Attempt::<T>(ctx, PhantomData), job).await.map_err(ActivityError::retryable)
}

/// The simulation of a workload, and the input of its workflow.
pub struct Simulated {
    pub simulation: Simulation,
    /// The input of the workflow; `None` without JSON, since `run` would encode it as JSON. Then the workflow has it already.
    input: Option<Batch>,
}

impl Simulated {
    pub fn new(workload: &Workload) -> Simulated {
        Simulated::on::<Native>(workload, Simulation::temporal())
    }

    /// The same with attempts that wait with other timers, which the simulation has a host for.
    pub fn on<T: Timers>(workload: &Workload, simulation: Simulation) -> Simulated {
        let simulation = simulation.dispatch_latency(Duration::ZERO);
        let schedule_to_close = workload.schedule_to_close;
        let batch = workload.batch.clone();
        let simulation = if workload.json {
            simulation.activity("chunks", attempt::<Json, T>).workflow(
                "batch",
                async move |ctx: &WorkflowContext, batch: Batch| -> Result<Done, WorkflowError> {
                    workload::batch(&Workflow { ctx, json: true, schedule_to_close }, batch).await
                },
            )
        } else {
            simulation
                .activity_bytes("chunks", async |ctx: &ActivityContext, bytes: Vec<u8>| {
                    let done = attempt::<Raw, T>(ctx, Raw::read_job(&bytes)).await?;
                    Ok(done.chunks.to_le_bytes().to_vec())
                })
                .workflow_bytes("batch", async move |ctx: &WorkflowContext, _: Vec<u8>| {
                    let host = Workflow { ctx, json: false, schedule_to_close };
                    let done = workload::batch(&host, batch.clone()).await?;
                    Ok(done.chunks.to_le_bytes().to_vec())
                })
        };
        // The worker dies while the first activity waits for its fifth chunk.
        let plan = if workload.crash { "v1; chunks#1@1:await5=crash" } else { "v1" };
        let simulation = simulation.plan(plan.parse().expect("a plan"));
        Simulated { simulation, input: workload.json.then(|| workload.batch.clone()) }
    }

    pub fn run(&self) -> Run {
        match &self.input {
            Some(batch) => self.simulation.run("batch", batch),
            None => self.simulation.run("batch", &()),
        }
        .expect("a run")
    }
}
