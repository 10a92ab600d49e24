//! Calls that are not simulated, and uses of a client that are wrong, are named.

use std::collections::HashMap;
use std::sync::OnceLock;

use durasim_temporal::{SimulationExt, connect};
use futures::StreamExt;
use temporalio_client::{
    Client, UntypedWorkflow, WorkflowCountOptions, WorkflowExecuteUpdateOptions, WorkflowFetchHistoryOptions,
    WorkflowGetResultOptions, WorkflowListOptions, WorkflowSignalOptions, WorkflowTerminateOptions,
};
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::common::v1::{Header, Payload, Payloads};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowResult};

use super::{Handle, Parcel, driven, parcel_of, simulation, start};
use crate::contains;

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
        ("starts a workflow with a static summary or static details", |client, _| {
            Box::pin(async move {
                let mut options = start("c");
                options.static_summary = Some("a lamp".to_owned());
                let _ = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await;
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
        let nothing = RawValue::empty();
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
    contains(&text, &format!("`handle.get_result` at tests/code/client/mistakes.rs:{ASKS}"));
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

#[test]
#[should_panic = "was called outside a simulation"]
fn a_request_outside_of_a_run_panics() {
    let (client, _run) = simulation().drive(async |native| connect(&native)).unwrap();
    let starting = client.start_workflow(Parcel::run, "book".to_owned(), start("p"));
    futures::executor::block_on(starting).unwrap();
}
