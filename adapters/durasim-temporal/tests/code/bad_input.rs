//! Each mistake is told in words that say what to do.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::poll_fn;
use std::task::Poll;

use durasim::{Run, RunError, Simulation};
use durasim_temporal::SimulationExt;
use durasim_tokio::SimulationExt as _;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use temporalio_common::data_converters::{
    DataConverter, DefaultFailureConverter, PayloadCodec, PayloadConversionError, PayloadConverter, RawValue,
    SerializationContextData,
};
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::{RetryPolicy, UntypedWorkflow};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::runtime::WorkflowErrorType;
use temporalio_sdk::{
    ActivityOptions, ChildWorkflowOptions, ContinueAsNewOptions, WorkerOptions, WorkflowContext, WorkflowIdReusePolicy,
    WorkflowResult,
};

use crate::seconds;

#[derive(Serialize)]
struct Unknown(u32);

#[derive(Serialize)]
struct Unwritable(BTreeMap<(u32, u32), u32>);

struct Beats;

#[activities]
impl Beats {
    #[activity]
    async fn unknown_type(ctx: ActivityContext) -> Result<(), ActivityError> {
        ctx.record_heartbeat(Unknown(1)).await?;
        Ok(())
    }

    #[activity]
    async fn unwritable(ctx: ActivityContext) -> Result<(), ActivityError> {
        ctx.record_heartbeat(Unwritable(BTreeMap::from([((1, 2), 3)]))).await?;
        Ok(())
    }

    #[activity]
    async fn spawns(_ctx: ActivityContext) -> Result<(), ActivityError> {
        tokio::spawn(async { panic!("no disk") }).await?;
        Ok(())
    }
}

/// A workflow that does what its input says.
#[workflow]
#[derive(Default)]
struct Does;

#[workflow_methods]
impl Does {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, what: String) -> WorkflowResult<u32> {
        let options =
            ActivityOptions::with_schedule_to_close_timeout(seconds(10)).heartbeat_timeout(seconds(5)).build();
        match what.as_str() {
            "unknown_type" => ctx.execute_activity(Beats::unknown_type, (), options).await?,
            "unwritable" => ctx.execute_activity(Beats::unwritable, (), options).await?,
            "spawns" => ctx.execute_activity(Beats::spawns, (), options).await?,
            "asks without end" => loop {
                drop(ctx.timer(seconds(1)));
            },
            "yields" => {
                let mut yielded = false;
                poll_fn(|context| {
                    context.waker().wake_by_ref();
                    if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
            "sleeps" => tokio::time::sleep(seconds(1)).await,
            "sleeps in the run" => durasim::time::sleep(seconds(1)).await,
            "panics" => panic!("no parcel"),
            "child" => {
                let options = ChildWorkflowOptions::workflow_id("child".to_owned());
                ctx.start_child_workflow(UntypedWorkflow::new("Nowhere"), RawValue::empty(), options).await?;
            }
            child if child.contains("child") => {
                let options = ChildWorkflowOptions::builder().workflow_id("child".to_owned());
                let options = match child {
                    "child on a queue" => options.task_queue("far".to_owned()).build(),
                    "scheduled child" => options.cron_schedule("at noon".to_owned()).build(),
                    "child instead" => options.id_reuse_policy(WorkflowIdReusePolicy::TerminateIfRunning).build(),
                    _ => options.retry_policy(RetryPolicy::builder().backoff_coefficient(0.5).build()).build(),
                };
                ctx.start_child_workflow(Does::run, "", options).await?;
            }
            again if again.starts_with("again") => {
                let options = ContinueAsNewOptions::builder();
                let options = match again {
                    "again" => options.workflow_type("Nowhere".to_owned()).build(),
                    _ => options.build(),
                };
                ctx.continue_as_new(again.to_owned(), options)?;
            }
            other => panic!("it cannot {other}"),
        }
        Ok(0)
    }
}

/// Another workflow of that name.
#[workflow]
#[derive(Default)]
struct DoesToo;

#[workflow_methods]
impl DoesToo {
    #[run(name = "Does")]
    async fn run(_ctx: &mut WorkflowContext<Self>, _what: String) -> WorkflowResult<u32> {
        Ok(0)
    }
}

/// It turns the bytes of each of these payloads around.
struct Reversed(fn(&SerializationContextData, &Payload) -> bool);

impl Reversed {
    fn turn(
        &self,
        context: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let turned = payloads.into_iter().map(|mut payload| {
            if (self.0)(context, &payload) {
                payload.data.reverse();
            }
            payload
        });
        let turned = turned.collect();
        std::future::ready(Ok(turned)).boxed()
    }
}

impl PayloadCodec for Reversed {
    fn encode(
        &self,
        context: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        self.turn(context, payloads)
    }

    fn decode(
        &self,
        context: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        self.turn(context, payloads)
    }
}

fn simulation() -> Simulation {
    Simulation::temporal()
        .sdk_activity(Beats::unknown_type, || Beats)
        .sdk_activity(Beats::unwritable, || Beats)
        .heartbeat_type::<Unwritable>()
        .sdk_workflow::<Does>()
}

fn does(what: &str) -> Result<Run, RunError> {
    simulation().sdk_activity(Beats::spawns, || Beats).run("Does", &what)
}

fn workflow_of_that_name_twice() -> Result<Run, RunError> {
    simulation().sdk_workflow::<DoesToo>().run("Does", &"")
}

fn with_a_codec(turns: fn(&SerializationContextData, &Payload) -> bool) -> Result<Run, RunError> {
    let codec = Reversed(turns);
    let converter = DataConverter::new(PayloadConverter::default(), DefaultFailureConverter::default(), codec);
    simulation().data_converter(converter).run("Does", &"")
}

fn with_failure_errors(of_all: bool) -> Result<Run, RunError> {
    let errors = HashSet::from([WorkflowErrorType::Nondeterminism]);
    let options = WorkerOptions::new("does");
    let options = if of_all {
        options.workflow_failure_errors(errors).build()
    } else {
        options.workflow_types_to_failure_errors(HashMap::from([("Does".to_owned(), errors)])).build()
    };
    simulation().sdk_worker(&options).run("Does", &"")
}

fn without_detection() -> Result<Run, RunError> {
    let options = WorkerOptions::new("does").detect_nondeterministic_futures(false).build();
    simulation().sdk_worker(&options).run("Does", &"")
}

/// The deed of a row.
enum Mistake {
    /// The workflow does this.
    Does(&'static str),
    /// The simulation is put together in this way.
    Is(fn() -> Result<Run, RunError>),
}

#[test]
fn every_mistake_is_told() {
    use Mistake::{Does, Is};
    let rows: &[(Mistake, &[&str])] = &[
        (
            Does("unknown_type"),
            &[
                "activity `Beats::unknown_type` records a heartbeat whose details are of a type that the simulation does not know",
                "add `.heartbeat_type::<T>()` to the simulation",
            ],
        ),
        (
            Does("unwritable"),
            &["the heartbeat details of activity `Beats::unwritable` cannot be encoded", "key must be a string"],
        ),
        (
            Is(|| simulation().event_budget(1_000).run("Does", &"asks without end")),
            &["workflow `Does` has asked for 1001 things in one workflow task (a loop that does not wait?)"],
        ),
        (Does("yields"), &["workflow `Does` was woken by something else than the SDK ([TMPRL1100])"]),
        (Does("sleeps"), &["tokio", "use the timers and the clock of its context, and activities"]),
        (Does("sleeps in the run"), &["workflow code"]),
        (Does("panics"), &["the workflow's code panicked: no parcel"]),
        (
            Does("child"),
            &[
                "workflow `Does` asks for the workflow `Nowhere`, which is not registered (registered: `Does`)",
                "`.sdk_workflow::<W>()`",
            ],
        ),
        (
            Does("child on a queue"),
            &["starts a workflow on the task queue `far`, which no worker polls", "to the simulation"],
        ),
        (Does("scheduled child"), &["BadStartChildExecutionAttributes", "Invalid CronSchedule `at noon`"]),
        (Does("child instead"), &["with `WorkflowIdReusePolicy::TerminateIfRunning`, which is not simulated"]),
        (Does("child's policy"), &["BadStartChildExecutionAttributes", "BackoffCoefficient cannot be less than 1"]),
        (Does("again"), &["asks for the workflow `Nowhere`, which is not registered (registered: `Does`)"]),
        (
            Is(|| simulation().horizon(seconds(100)).run("Does", &"again and again")),
            &["the run is not over at its horizon of 100s", "`Does`"],
        ),
        (Is(workflow_of_that_name_twice), &["the workflow `Does` is registered twice"]),
        (
            Is(|| with_a_codec(|_, _| true)),
            &["a payload codec that changes payloads, which is not simulated", "`DefaultPayloadCodec`"],
        ),
        (Is(|| with_a_codec(|_, payload| payload.data.len() > 100_000)), &["a payload codec that changes payloads"]),
        (
            Is(|| with_a_codec(|_, payload| payload.metadata["encoding"] == b"binary/plain")),
            &["a payload codec that changes payloads"],
        ),
        (
            Is(|| with_a_codec(|context, _| matches!(context, SerializationContextData::Workflow(_)))),
            &["a payload codec that changes payloads"],
        ),
        (
            Is(|| with_a_codec(|context, _| matches!(context, SerializationContextData::Activity(_)))),
            &["a payload codec that changes payloads"],
        ),
        (Is(|| with_failure_errors(true)), &["the worker's options `workflow_failure_errors`", "are not simulated"]),
        (Is(|| with_failure_errors(false)), &["`workflow_types_to_failure_errors` are not simulated"]),
        (Is(without_detection), &["`detect_nondeterministic_futures(false)` is not simulated"]),
        (Is(|| simulation().run("Does", &"spawns")), &["`Beats::spawns`", "not registered"]),
        (Is(|| simulation().run("Does", &7)), &["the workflow's input does not decode as `alloc::string::String`"]),
        (Is(|| simulation().tokio().run("Does", &"")), &["the simulation has two hosts"]),
    ];
    for (mistake, words) in rows {
        let ended = match mistake {
            Does(what) => does(what),
            Is(make) => make(),
        };
        let error = ended.map(|run| run.timeline().to_string()).expect_err("a mistake").to_string();
        for words in *words {
            assert!(error.contains(words), "{words:?} is missing in\n{error}");
        }
    }
}

/// It is no mistake of the simulation: whoever awaits the task gets the panic, and the attempt fails with it.
#[test]
fn a_panic_in_a_spawned_task_fails_the_attempt() {
    let error = does("spawns").unwrap().result::<u32>().unwrap_err().to_string();
    assert!(error.contains("panicked with message \"no disk\""), "{error}");
}
