//! Code written for the SDK's client runs in scripts and in activities, against the simulated service.

use std::collections::HashMap;
use std::error::Error;
use std::sync::OnceLock;
use std::time::{Duration, UNIX_EPOCH};

use durasim::{ClientError, RunError, Simulation, Time, check};
use durasim_temporal::{SimulationExt, connect, sdk_activities};
use futures::StreamExt;
use temporalio_client::errors::{
    WorkflowGetResultError, WorkflowInteractionError, WorkflowQueryError, WorkflowStartError,
};
use temporalio_client::tonic::Code;
use temporalio_client::{
    Client, ClientOptions, QueryRejectCondition, RpcOptions, UntypedWorkflow, WorkflowCancelOptions,
    WorkflowCountOptions, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions, WorkflowExecutionInfo,
    WorkflowExecutionStatus, WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle,
    WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowListOptions, WorkflowQueryOptions, WorkflowSignalOptions,
    WorkflowStartOptions, WorkflowTerminateOptions,
};
use temporalio_common::protos::temporal::api::common::v1::{Header, Payload, Payloads};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{
    ActivityOptions, ApplicationFailure, SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult,
    WorkflowTermination,
};

use crate::{contains, seconds};

/// It weighs what it is told to pack, until it is told to ship.
#[workflow]
#[derive(Default)]
struct Parcel {
    items: Vec<String>,
    ships: bool,
}

#[workflow_methods]
impl Parcel {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, first: String) -> WorkflowResult<Vec<String>> {
        if first == "nothing" {
            return Err(ApplicationFailure::builder(anyhow::anyhow!("nothing to pack"))
                .type_name("Empty".to_owned())
                .build()
                .into());
        }
        ctx.state_mut(|state| state.items.push(first));
        temporalio_sdk::workflows::select! {
            reason = ctx.cancelled() => {
                ctx.state_mut(|state| state.items.push(format!("cancelled: {}", reason.unwrap_or_default())));
                return Err(WorkflowTermination::cancelled());
            }
            shipped = ctx.wait_condition(|state: &Self| state.ships) => shipped?,
        }
        let options = ActivityOptions::start_to_close_timeout(seconds(10));
        let items = ctx.state(|state| state.items.clone());
        ctx.execute_activity(Desk::weigh, u32::try_from(items.len()).unwrap_or_default(), options).await?;
        Ok(items)
    }

    #[signal]
    fn add(&mut self, _ctx: &mut SyncWorkflowContext<Self>, item: String) {
        self.items.push(item);
    }

    #[signal]
    fn ship(&mut self, _ctx: &mut SyncWorkflowContext<Self>) {
        self.ships = true;
    }

    #[query]
    fn items(&self, _ctx: &WorkflowContextView) -> Vec<String> {
        self.items.clone()
    }

    #[update]
    fn label(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _text: String) -> u32 {
        7
    }
}

struct Desk;

#[activities]
impl Desk {
    #[activity]
    async fn weigh(_ctx: ActivityContext, items: u32) -> Result<u32, ActivityError> {
        tokio::time::sleep(seconds(2)).await;
        Ok(items)
    }

    /// It sends the parcel of its workflow's customer on its way, and waits for it.
    #[activity]
    async fn dispatch(ctx: ActivityContext, item: String) -> Result<u32, ActivityError> {
        let id = format!("parcel-of-{}", ctx.info().workflow_id.as_deref().unwrap_or_default());
        Ok(send(&ctx.client(), &id, &item).await?)
    }

    #[activity]
    async fn dispatch_in_a_task(ctx: ActivityContext, item: String) -> Result<u32, ActivityError> {
        let client = ctx.client();
        Ok(tokio::spawn(async move { send(&client, "parcel-of-a-task", &item).await }).await??)
    }

    #[activity]
    async fn lists(ctx: ActivityContext) -> Result<(), ActivityError> {
        let _ = ctx.client().count_workflows("", WorkflowCountOptions::default()).await;
        Ok(())
    }

    #[activity]
    async fn lists_in_a_task(ctx: ActivityContext) -> Result<(), ActivityError> {
        let client = ctx.client();
        let counted =
            tokio::spawn(async move { client.count_workflows("", WorkflowCountOptions::default()).await.is_ok() });
        let _ = counted.await;
        Ok(())
    }
}

/// It is idempotent: a parcel that is there already is shipped once.
async fn send(client: &Client, id: &str, item: &str) -> anyhow::Result<u32> {
    let mut options = start(id);
    options.id_conflict_policy = WorkflowIdConflictPolicy::UseExisting;
    options.id_reuse_policy = WorkflowIdReusePolicy::RejectDuplicate;
    let handle = match client.start_workflow(Parcel::run, item.to_owned(), options).await {
        Err(WorkflowStartError::AlreadyStarted { .. }) => client.get_workflow_handle::<parcel::Run>(id),
        started => started?,
    };
    match handle.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await {
        Ok(()) | Err(WorkflowInteractionError::NotFound(_)) => {}
        Err(other) => return Err(other.into()),
    }
    match handle.get_result(WorkflowGetResultOptions::default()).await {
        // One that its customer has called back has been dealt with, too.
        Err(WorkflowGetResultError::Cancelled { .. }) => Ok(1),
        ended => Ok(u32::try_from(ended?.len())?),
    }
}

/// A workflow that lets an activity do it.
#[workflow]
#[derive(Default)]
struct Orders;

#[workflow_methods]
impl Orders {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>, how: String) -> WorkflowResult<u32> {
        let options = ActivityOptions::start_to_close_timeout(seconds(20));
        Ok(match how.as_str() {
            "in a task" => ctx.execute_activity(Desk::dispatch_in_a_task, "lamp".to_owned(), options).await?,
            "lists" => {
                ctx.execute_activity(Desk::lists, (), options).await?;
                0
            }
            "lists in a task" => {
                ctx.execute_activity(Desk::lists_in_a_task, (), options).await?;
                0
            }
            _ => ctx.execute_activity(Desk::dispatch, "lamp".to_owned(), options).await?,
        })
    }
}

fn simulation() -> Simulation {
    sdk_activities!(
        Simulation::temporal(),
        || Desk,
        [Desk::weigh, Desk::dispatch, Desk::dispatch_in_a_task, Desk::lists, Desk::lists_in_a_task]
    )
    .sdk_workflow::<Parcel>()
    .sdk_workflow::<Orders>()
}

fn start(id: &str) -> WorkflowStartOptions {
    WorkflowStartOptions::new("parcels", id).build()
}

type Handle = WorkflowHandle<Client, parcel::Run>;

/// Starts a parcel.
async fn parcel_of(client: &Client, id: &str) -> Handle {
    client.start_workflow(Parcel::run, "book".to_owned(), start(id)).await.unwrap()
}

/// Runs a script with a client of the SDK. A script that returns has been simulated as far as it goes.
fn driven<R>(script: impl AsyncFnOnce(durasim::Client, Client) -> R) -> Result<R, RunError> {
    let simulation = simulation().graceful_shutdown_period(seconds(1)).restart_delay(seconds(3_600));
    let ran = simulation.drive(async |native| {
        let client = connect(&native);
        script(native, client).await
    });
    ran.map(|(result, _)| result)
}

#[test]
fn each_of_the_seven_calls_does_what_it_says() {
    let told = driven(async |native, client| {
        let parcel = parcel_of(&client, "p").await;
        assert_eq!((parcel.info().workflow_id.as_str(), parcel.run_id()), ("p", Some("p")));
        native.sleep(seconds(1)).await;
        parcel.signal(Parcel::add, "lamp".to_owned(), WorkflowSignalOptions::default()).await.unwrap();
        let items = parcel.query(Parcel::items, (), WorkflowQueryOptions::default()).await.unwrap();
        assert_eq!(items, ["book", "lamp"]);

        let described = parcel.describe(WorkflowDescribeOptions::default()).await.unwrap();
        assert_eq!((described.id(), described.run_id(), described.workflow_type()), ("p", "p", "Parcel"));
        assert_eq!(described.status(), WorkflowExecutionStatus::Running);
        let at = |time: Option<std::time::SystemTime>| time.unwrap().duration_since(UNIX_EPOCH).unwrap();
        let epoch = Time::ZERO.to_system_time().duration_since(UNIX_EPOCH).unwrap();
        assert_eq!((at(described.start_time()), described.close_time()), (epoch, None));
        assert!(described.history_length() > 3);

        let since = native.now();
        parcel.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await.unwrap();
        assert_eq!(parcel.get_result(WorkflowGetResultOptions::default()).await.unwrap(), ["book", "lamp"]);
        assert!(native.now() - since > seconds(2), "it waits in virtual time");
        let described = parcel.describe(WorkflowDescribeOptions::default()).await.unwrap();
        assert_eq!(described.status(), WorkflowExecutionStatus::Completed);
        assert_eq!(at(described.close_time()), at(Some(native.now().to_system_time())));

        let cancelled = parcel_of(&client, "c").await;
        native.sleep(seconds(1)).await;
        cancelled.cancel(WorkflowCancelOptions::builder().reason("too heavy").build()).await.unwrap();
        let ended = cancelled.get_result(WorkflowGetResultOptions::default()).await.unwrap_err();
        assert!(matches!(ended, WorkflowGetResultError::Cancelled { .. }), "{ended}");
        let items = cancelled.query(Parcel::items, (), WorkflowQueryOptions::default()).await.unwrap();
        assert_eq!(items, ["book", "cancelled: too heavy"]);

        let terminated = parcel_of(&client, "t").await;
        terminated.terminate(WorkflowTerminateOptions::builder().reason("lost").build()).await.unwrap();
        let ended = terminated.get_result(WorkflowGetResultOptions::default()).await.unwrap_err();
        assert!(matches!(ended, WorkflowGetResultError::Terminated { .. }), "{ended}");
        let described = terminated.describe(WorkflowDescribeOptions::default()).await.unwrap();
        assert_eq!(described.status(), WorkflowExecutionStatus::Terminated);

        let failed = client.start_workflow(Parcel::run, "nothing".to_owned(), start("f")).await.unwrap();
        let ended = failed.get_result(WorkflowGetResultOptions::default()).await.unwrap_err();
        let WorkflowGetResultError::Failed(failure) = &ended else { panic!("{ended}") };
        assert!(failure.to_string().contains("nothing to pack"), "{failure}");

        let mut options = start("late");
        options.execution_timeout = Some(seconds(60));
        options.run_timeout = Some(seconds(5));
        let (late, since) =
            (client.start_workflow(Parcel::run, "book".to_owned(), options).await.unwrap(), native.now());
        let ended = late.get_result(WorkflowGetResultOptions::default()).await.unwrap_err();
        assert!(matches!(ended, WorkflowGetResultError::TimedOut), "{ended}");
        assert_eq!(native.now() - since, seconds(5));
    });
    told.unwrap();
}

/// An activity that is open is described with its attempt.
#[test]
fn a_description_has_the_activities_that_are_open() {
    let pending = driven(async |native, client| {
        let parcel = parcel_of(&client, "p").await;
        parcel.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await.unwrap();
        native.sleep(seconds(1)).await;
        let described = parcel.describe(WorkflowDescribeOptions::default()).await.unwrap();
        let pending = described.raw().pending_activities.clone();
        (pending[0].activity_type.clone().unwrap().name, pending[0].attempt, pending.len())
    });
    assert_eq!(pending.unwrap(), ("Desk::weigh".to_owned(), 1, 1));
}

/// Says which status an error carries, and in which words.
fn refused(status: &temporalio_client::tonic::Status) -> (Code, &str) {
    (status.code(), status.message())
}

#[test]
fn a_workflow_that_is_not_there_is_not_found() {
    let told = driven(async |_native, client| {
        let run = |run_id: Option<&str>, id: &str| {
            let info = WorkflowExecutionInfo::builder().namespace("default").workflow_id(id);
            let info = info.maybe_run_id(run_id).build();
            Handle::new(client.clone(), info)
        };
        let _there = parcel_of(&client, "there").await;
        for (handle, words) in [
            (run(None, "nowhere"), "workflow not found for ID: nowhere"),
            (
                run(Some("other"), "there"),
                "workflow execution not found for workflow ID \"there\" and run ID \"other\"",
            ),
        ] {
            let expected = (Code::NotFound, words);
            let signalled = handle.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await;
            let cancelled = handle.cancel(WorkflowCancelOptions::default()).await;
            let terminated = handle.terminate(WorkflowTerminateOptions::default()).await;
            let described = handle.describe(WorkflowDescribeOptions::default()).await.map(|_| ());
            for answer in [signalled, cancelled, terminated, described] {
                let Err(WorkflowInteractionError::NotFound(status)) = answer else { panic!("{answer:?}") };
                assert_eq!(refused(&status), expected);
            }
            let queried = handle.query(Parcel::items, (), WorkflowQueryOptions::default()).await;
            let Err(WorkflowQueryError::NotFound(status)) = queried else { panic!("{queried:?}") };
            assert_eq!(refused(&status), expected);
            let result = handle.get_result(WorkflowGetResultOptions::default()).await;
            let Err(WorkflowGetResultError::NotFound(status)) = result else { panic!("{result:?}") };
            assert_eq!(refused(&status), expected);
        }
    });
    told.unwrap();
}

#[test]
fn a_workflow_that_has_closed_takes_no_signals() {
    let told = driven(async |_native, client| {
        let parcel = parcel_of(&client, "p").await;
        parcel.terminate(WorkflowTerminateOptions::default()).await.unwrap();
        // A server does nothing for a cancel then.
        parcel.cancel(WorkflowCancelOptions::default()).await.unwrap();
        let signalled = parcel.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await;
        let terminated = parcel.terminate(WorkflowTerminateOptions::default()).await;
        for answer in [signalled, terminated] {
            let Err(WorkflowInteractionError::NotFound(status)) = answer else { panic!("{answer:?}") };
            assert_eq!(refused(&status), (Code::NotFound, "workflow execution already completed"));
        }
        let open = WorkflowQueryOptions::builder().reject_condition(QueryRejectCondition::NotOpen).build();
        let queried = parcel.query(Parcel::items, (), open).await;
        let Err(WorkflowQueryError::Rejected { status }) = queried else { panic!("{queried:?}") };
        assert_eq!(status, Some(WorkflowExecutionStatus::Terminated));
    });
    told.unwrap();
}

#[test]
fn an_id_that_is_taken_is_said_to_be() {
    let told = driven(async |native, client| {
        let parcel = parcel_of(&client, "p").await;
        let again = client.start_workflow(Parcel::run, "lamp".to_owned(), start("p")).await;
        let Err(WorkflowStartError::AlreadyStarted { run_id, source }) = again else { panic!("it is taken") };
        assert_eq!(run_id.as_deref(), Some("p"));
        let words = "Workflow execution is already running. WorkflowId: p, RunId: p.";
        assert_eq!(refused(&source), (Code::AlreadyExists, words));

        let mut options = start("p");
        options.id_conflict_policy = WorkflowIdConflictPolicy::UseExisting;
        let same = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await.unwrap();
        let items = same.query(Parcel::items, (), WorkflowQueryOptions::default()).await.unwrap();
        assert_eq!(items, ["book"]);

        parcel.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await.unwrap();
        parcel.get_result(WorkflowGetResultOptions::default()).await.unwrap();
        for policy in [WorkflowIdReusePolicy::RejectDuplicate, WorkflowIdReusePolicy::AllowDuplicateFailedOnly] {
            let mut options = start("p");
            options.id_reuse_policy = policy;
            let again = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await;
            assert!(matches!(again, Err(WorkflowStartError::AlreadyStarted { .. })), "{policy:?}");
        }
        // Native code and the SDK's see the same workflows.
        let native = native.start::<Vec<String>>("Parcel", "p", &"lamp").await.map(|_| ());
        assert_eq!(native, Err(ClientError::AlreadyStarted("p".to_owned())));
    });
    told.unwrap();
}

#[test]
fn wrong_requests_are_invalid() {
    let told = driven(async |native, client| {
        let parcel = parcel_of(&client, "p").await;
        native.sleep(seconds(1)).await;
        let untyped = client.get_workflow_handle::<UntypedWorkflow>("p");
        let query = temporalio_client::UntypedQuery::new("weight");
        let nothing = || temporalio_common::data_converters::RawValue::empty();
        let queried = untyped.query(query, nothing(), WorkflowQueryOptions::default()).await;
        let Err(WorkflowQueryError::Rpc(status)) = queried else { panic!("it has no such query") };
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("weight"), "{status:?}");

        let signal = temporalio_client::UntypedSignal::new("");
        let signalled = untyped.signal(signal, nothing(), WorkflowSignalOptions::default()).await;
        let Err(WorkflowInteractionError::Rpc(status)) = signalled else { panic!("it has no name") };
        assert_eq!(refused(&status), (Code::InvalidArgument, "SignalName is not set on request."));

        let without_id = client.start_workflow(Parcel::run, "lamp".to_owned(), start("")).await;
        let Err(WorkflowStartError::Rpc(status)) = without_id else { panic!("it has no id") };
        assert_eq!(refused(&status), (Code::InvalidArgument, "WorkflowId is not set on request."));
        let options = WorkflowStartOptions::new("", "q").build();
        let without_queue = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await;
        let Err(WorkflowStartError::Rpc(status)) = without_queue else { panic!("it has no task queue") };
        assert_eq!(refused(&status), (Code::InvalidArgument, "TaskQueue is not set on request."));
        parcel.terminate(WorkflowTerminateOptions::default()).await.unwrap();
    });
    told.unwrap();
}

/// The call waits as long as its caller does, in virtual time.
#[test]
fn the_deadline_of_a_call_is_kept() {
    let told = driven(async |native, client| {
        let parcel = parcel_of(&client, "p").await;
        let within = |length: Duration| {
            let mut options = WorkflowGetResultOptions::default();
            options.rpc_options = RpcOptions::builder().timeout(length).build();
            options
        };
        let since = native.now();
        let ended = parcel.get_result(within(seconds(3))).await.unwrap_err();
        let WorkflowGetResultError::Rpc(status) = &ended else { panic!("{ended}") };
        assert_eq!((status.code(), native.now() - since), (Code::DeadlineExceeded, seconds(3)));
        // No process answers.
        native.stop_worker(1);
        native.sleep(seconds(10)).await;
        let since = native.now();
        let queried = parcel.query(Parcel::items, (), WorkflowQueryOptions::default()).await;
        let Err(WorkflowQueryError::Rpc(status)) = queried else { panic!("{queried:?}") };
        assert_eq!((status.code(), native.now() - since), (Code::DeadlineExceeded, seconds(30)));
        parcel.terminate(WorkflowTerminateOptions::default()).await.unwrap();
    });
    told.unwrap();
}

/// It is code of production, in which all seven calls occur. A signal may be late, so that it does not look for the pen.
async fn starter(client: &Client) -> Result<(bool, bool), Box<dyn Error>> {
    let parcel = client.start_workflow(Parcel::run, "book".to_owned(), start("p")).await?;
    let other = client.start_workflow(Parcel::run, "lamp".to_owned(), start("other")).await?;
    let third = client.start_workflow(Parcel::run, "vase".to_owned(), start("third")).await?;
    parcel.signal(Parcel::add, "pen".to_owned(), WorkflowSignalOptions::default()).await?;
    let asked = parcel.query(Parcel::items, (), WorkflowQueryOptions::default()).await?;
    assert!(asked.contains(&"book".to_owned()), "{asked:?}");
    other.cancel(WorkflowCancelOptions::builder().reason("too heavy").build()).await?;
    let ended = other.get_result(WorkflowGetResultOptions::default()).await;
    assert!(matches!(ended, Err(WorkflowGetResultError::Cancelled { .. })), "{ended:?}");
    third.terminate(WorkflowTerminateOptions::builder().reason("lost").build()).await?;
    parcel.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await?;
    let items = parcel.get_result(WorkflowGetResultOptions::default()).await?;
    let described = parcel.describe(WorkflowDescribeOptions::default()).await?;
    Ok((items.contains(&"book".to_owned()), described.status() == WorkflowExecutionStatus::Completed))
}

#[test]
fn a_starter_holds_under_every_fault() {
    let exploration =
        simulation().explore_script(async |native| starter(&connect(&native)).await.map_err(|error| error.to_string()));
    let report = exploration
        .every_fault()
        .seeds(0..200)
        .check(check::same_result())
        .check(check::completes())
        .check(check::replays())
        .report();
    let texts: Vec<&str> = report.failures().iter().map(|failed| &*failed.text).collect();
    assert!(report.holds(), "{report}\n{}", texts.join("\n"));
    let runs: u64 = report.parts().iter().map(|part| part.tally.runs).sum();
    assert!(runs > 250, "{report}");
}

#[test]
fn activities_have_the_same_client() {
    for how in ["at once", "in a task"] {
        let run = simulation().run("Orders", &how).unwrap();
        assert_eq!(run.result::<u32>().unwrap(), 1, "{how}: {}", run.timeline());
        let exploration = simulation().explore("Orders", &how).named(how);
        exploration.every_fault().seeds(0..100).check(check::same_result()).check(check::replays()).assert();
    }
}

/// A request of a call that is not simulated ends the run, whatever its code does with the error.
#[test]
fn each_call_that_is_not_simulated_is_named() {
    type Call = fn(Client, Handle) -> futures::future::LocalBoxFuture<'static, ()>;
    let rows: &[(&str, Call)] = &[
        ("makes the request `UpdateWorkflowExecution` (an update)", |_, parcel| {
            Box::pin(async move {
                let _ =
                    parcel.execute_update(Parcel::label, "a".to_owned(), WorkflowExecuteUpdateOptions::default()).await;
            })
        }),
        ("makes the request `ListWorkflowExecutions` (`client.list_workflows`)", |client, _| {
            Box::pin(async move {
                let _ = client.list_workflows("", WorkflowListOptions::default()).next().await;
            })
        }),
        ("makes the request `CountWorkflowExecutions` (`client.count_workflows`)", |client, _| {
            Box::pin(async move {
                let _ = client.count_workflows("", WorkflowCountOptions::default()).await;
            })
        }),
        ("reads the history of a workflow (`handle.fetch_history`)", |_, parcel| {
            Box::pin(async move {
                let _ = parcel.fetch_history(WorkflowFetchHistoryOptions::default()).into_events().await;
            })
        }),
        ("gives a header to a signal", |_, parcel| {
            Box::pin(async move {
                let mut options = WorkflowSignalOptions::default();
                options.header = Some(Header { fields: HashMap::from([("trace".to_owned(), Payload::default())]) });
                let _ = parcel.signal(Parcel::ship, (), options).await;
            })
        }),
        ("gives details to the termination of a workflow", |_, parcel| {
            Box::pin(async move {
                let details = Payloads { payloads: vec![Payload::default()] };
                let _ = parcel.terminate(WorkflowTerminateOptions::builder().details(details).build()).await;
            })
        }),
        ("starts a workflow with a cron schedule", |client, _| {
            Box::pin(async move {
                let mut options = start("c");
                options.cron_schedule = Some("@daily".to_owned());
                let _ = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await;
            })
        }),
        ("starts a workflow with a static summary or static details", |client, _| {
            Box::pin(async move {
                let mut options = start("c");
                options.static_summary = Some("a lamp".to_owned());
                let _ = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await;
            })
        }),
        ("starts a workflow that terminates the one with its id (`TerminateExisting`)", |client, _| {
            Box::pin(async move {
                let mut options = start("p");
                options.id_conflict_policy = WorkflowIdConflictPolicy::TerminateExisting;
                let _ = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await;
            })
        }),
        ("starts a second run under the workflow id `p`, whose first run has closed", |client, parcel| {
            Box::pin(async move {
                parcel.terminate(WorkflowTerminateOptions::default()).await.unwrap();
                let _ = client.start_workflow(Parcel::run, "lamp".to_owned(), start("p")).await;
            })
        }),
    ];
    for (words, call) in rows {
        let ended = driven(async |_native, client| {
            let parcel = parcel_of(&client, "p").await;
            call(client, parcel).await;
        });
        let error = ended.expect_err(words).to_string();
        let wanted =
            format!("a client of the Temporal SDK {words}, which is not simulated: put the call behind a trait");
        assert!(error.contains(&wanted), "{wanted:?} is missing in\n{error}");
    }
    for how in ["lists", "lists in a task"] {
        let error = simulation().run("Orders", &how).unwrap_err().to_string();
        assert!(
            error.contains("makes the request `CountWorkflowExecutions` (`client.count_workflows`)"),
            "{how}: {error}"
        );
    }
}

#[test]
fn a_workflow_that_is_not_registered_is_named() {
    let ended = driven(async |_native, client| {
        let nothing = temporalio_common::data_converters::RawValue::empty();
        let _ = client.start_workflow(UntypedWorkflow::new("Letter"), nothing, start("l")).await;
    });
    let error = ended.unwrap_err().to_string();
    assert!(error.contains("no workflow `Letter` is registered (registered: `Orders`, `Parcel`)"), "{error}");
}

/// The workflow's code waits for nothing that will come.
#[test]
fn a_script_that_waits_for_ever_is_told_with_its_call() {
    const ASKS: u32 = line!() + 3;
    let exploration = simulation().explore_script(async |native| {
        let parcel = parcel_of(&connect(&native), "p").await;
        parcel.get_result(WorkflowGetResultOptions::default()).await.map_err(|error| error.to_string())
    });
    let report = exploration.every_fault().report();
    let text = report.error().expect("it cannot be explored").to_string();
    contains(&text, "the script waits for ever");
    contains(&text, &format!("`handle.get_result` at tests/code/client.rs:{ASKS}"));
}

/// A client that a workflow's code has found somewhere.
static FOUND: OnceLock<Client> = OnceLock::new();

#[workflow]
#[derive(Default)]
struct Sneaks;

#[workflow_methods]
impl Sneaks {
    #[run]
    async fn run(_ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let client = FOUND.get().unwrap().clone();
        let _ = client.start_workflow(Parcel::run, "book".to_owned(), start("p")).await;
        Ok(())
    }
}

#[test]
fn workflow_code_makes_no_requests() {
    let simulation = simulation().sdk_workflow::<Sneaks>();
    let (client, _run) = simulation.drive(async |native| connect(&native)).unwrap();
    FOUND.set(client).unwrap();
    let error = simulation.run("Sneaks", &()).unwrap_err().to_string();
    assert!(error.contains("workflow code asked the service through a client"), "{error}");
}

/// A client with options of its own is made of the same connection.
#[test]
fn another_client_of_the_connection_finds_the_same_workflows() {
    let told = driven(async |_native, client| {
        let options = ClientOptions::new("shop").build();
        let other = Client::new(client.connection().clone(), options).unwrap();
        let parcel = parcel_of(&client, "p").await;
        let same = other.get_workflow_handle::<parcel::Run>("p");
        same.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await.unwrap();
        parcel.get_result(WorkflowGetResultOptions::default()).await.unwrap()
    });
    assert_eq!(told.unwrap(), ["book"]);
}

#[test]
#[should_panic = "was called outside a simulation"]
fn a_request_outside_of_a_run_panics() {
    let (client, _run) = simulation().drive(async |native| connect(&native)).unwrap();
    let starting = client.start_workflow(Parcel::run, "book".to_owned(), start("p"));
    futures::executor::block_on(starting).unwrap();
}
