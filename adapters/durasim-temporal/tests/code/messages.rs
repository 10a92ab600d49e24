//! Signals, queries, conditions, cancels of the workflow, and interceptors.

use std::cell::Cell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::task::Poll;

use durasim::{Simulation, check};
use durasim_temporal::SimulationExt;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::workflow_interceptors::{
    CancellableWorkflowOutboundFuture, HandleSignalInput, HandleSignalResult, ScheduleActivityInput,
    ScheduleActivityResult, WorkflowInterceptor, WorkflowInterceptorConstructor, WorkflowInterceptorContext,
    WorkflowInterceptorFuture, WorkflowNext,
};
use temporalio_sdk::{
    ActivityOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult, WorkflowTermination,
};

use crate::seconds;

/// It packs what it is told, until it is told to ship.
#[workflow]
#[derive(Default)]
struct Parcel {
    items: Vec<String>,
    ships: bool,
}

#[workflow_methods]
impl Parcel {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Vec<String>> {
        temporalio_sdk::workflows::select! {
            reason = ctx.cancelled() => {
                ctx.state_mut(|state| state.items.push(format!("cancelled: {}", reason.unwrap_or_default())));
                return Err(WorkflowTermination::cancelled());
            }
            shipped = ctx.wait_condition(|state: &Self| state.ships) => shipped?,
        }
        Ok(ctx.state(|state| state.items.clone()))
    }

    #[signal]
    fn add(&mut self, _ctx: &mut SyncWorkflowContext<Self>, item: String) {
        self.items.push(item);
    }

    /// It takes its time.
    #[signal]
    async fn ship(ctx: &mut WorkflowContext<Self>, after: u64) {
        ctx.timer(seconds(after)).await;
        ctx.state_mut(|state| state.ships = true);
    }

    #[query]
    fn items(&self, _ctx: &WorkflowContextView) -> usize {
        self.items.len()
    }
}

fn simulation() -> Simulation {
    Simulation::temporal().sdk_workflow::<Parcel>()
}

#[test]
fn signals_are_handled_in_order_and_queries_answered() {
    let exploration = simulation().explore_script(async |client| {
        let parcel = client.start::<Vec<String>>("Parcel", "p", &()).await?;
        parcel.signal("add", &"book").await?;
        parcel.signal("add", &"lamp").await?;
        client.sleep(seconds(1)).await;
        let packed: usize = parcel.query("items", &()).await?;
        parcel.signal("ship", &20_u64).await?;
        // A signal may be late, and then comes after the other.
        let mut items = parcel.result().await?;
        items.sort();
        let after: usize = parcel.query("items", &()).await?;
        Ok::<_, durasim::ClientError>((packed, items, after))
    });
    exploration.every_fault().seeds(0..100).check(check::same_result()).check(check::replays()).assert();
}

#[test]
fn an_unknown_query_is_an_error_of_the_caller_and_an_unknown_signal_changes_nothing() {
    let (answers, run) = simulation()
        .drive(async |client| {
            let parcel = client.start::<Vec<String>>("Parcel", "p", &()).await?;
            client.sleep(seconds(1)).await;
            let unknown = parcel.query::<usize>("weight", &()).await.map_err(|error| error.to_string());
            parcel.signal("burn", &()).await?;
            parcel.signal("ship", &1_u64).await?;
            Ok::<_, durasim::ClientError>((unknown, parcel.result().await?))
        })
        .unwrap();
    let (unknown, items) = answers.unwrap();
    assert!(unknown.unwrap_err().contains("weight"), "{}", run.timeline());
    assert_eq!(items, Vec::<String>::new());
}

#[test]
fn a_cancelled_workflow_closes_as_cancelled() {
    let (state, run) = simulation()
        .drive(async |client| {
            let parcel = client.start::<Vec<String>>("Parcel", "p", &()).await?;
            client.sleep(seconds(1)).await;
            parcel.cancel().await?;
            let ended = parcel.result().await.map_err(|error| error.to_string());
            Ok::<_, durasim::ClientError>((ended, parcel.query::<usize>("items", &()).await?))
        })
        .unwrap();
    let (ended, items) = state.unwrap();
    assert!(ended.as_ref().is_err_and(|error| error.contains("cancelled")), "{ended:?}\n{}", run.timeline());
    assert_eq!(items, 1, "the reason was noted");
}

struct Label;

#[activities]
impl Label {
    /// Gives the headers it was given, as text.
    #[activity]
    async fn print(ctx: ActivityContext) -> Result<Vec<String>, ActivityError> {
        let text = |(name, value): (&String, &Payload)| format!("{name}={}", String::from_utf8_lossy(&value.data));
        Ok(ctx.headers().iter().map(text).collect())
    }
}

#[workflow]
#[derive(Default)]
struct Labels;

#[workflow_methods]
impl Labels {
    #[run]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<Vec<String>> {
        let options = ActivityOptions::start_to_close_timeout(seconds(10));
        Ok(ctx.execute_activity(Label::print, (), options).await?)
    }
}

/// It gives each activity a header.
struct Traced;

impl WorkflowInterceptor for Traced {
    fn schedule_activity(
        &self,
        ctx: WorkflowInterceptorContext,
        mut input: ScheduleActivityInput,
        next: WorkflowNext<'static, ScheduleActivityInput, CancellableWorkflowOutboundFuture<ScheduleActivityResult>>,
    ) -> CancellableWorkflowOutboundFuture<ScheduleActivityResult> {
        let metadata = HashMap::from([("encoding".to_owned(), b"binary/plain".to_vec())]);
        let data = format!("span of {}", ctx.workflow_id()).into_bytes();
        input.headers_mut().insert("trace".to_owned(), Payload { metadata, data, ..Default::default() });
        next.run(input)
    }
}

#[test]
fn an_interceptor_gives_headers_to_activities() {
    let simulation = Simulation::temporal()
        .sdk_activity(Label::print, || Label)
        .sdk_workflow::<Labels>()
        .workflow_interceptor(WorkflowInterceptorConstructor::new(|_| Traced));
    let run = simulation.run("Labels", &()).unwrap();
    assert_eq!(run.result::<Vec<String>>().unwrap(), ["trace=span of Labels"]);
    simulation.explore("Labels", &()).every_fault().check(check::same_result()).check(check::replays()).assert();
}

/// It handles the signal `ship` only behind an `add`, and that not at once.
#[derive(Default)]
struct InTurn {
    is_added: Cell<bool>,
}

impl WorkflowInterceptor for InTurn {
    fn handle_signal<'a>(
        &'a self,
        _ctx: WorkflowInterceptorContext,
        input: HandleSignalInput,
        next: WorkflowNext<'a, HandleSignalInput, WorkflowInterceptorFuture<'a, HandleSignalResult>>,
    ) -> WorkflowInterceptorFuture<'a, HandleSignalResult> {
        let ships = input.name() == "ship";
        WorkflowInterceptorFuture::new(async move {
            let mut is_ready = false;
            poll_fn(|_| {
                let was_ready = std::mem::replace(&mut is_ready, !ships || self.is_added.get());
                if was_ready || ships && is_ready { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            let handled = next.run(input).await;
            self.is_added.set(true);
            handled
        })
    }
}

/// The SDK lets an interceptor wait while anything else of its workflow gets further.
#[test]
fn an_interceptor_may_wait_for_what_comes_with_the_same_news() {
    let simulation = simulation().workflow_interceptor(WorkflowInterceptorConstructor::new(|_| InTurn::default()));
    let shipped = |signals: &'static [&'static str]| {
        let ran = simulation.drive(async |client| {
            let parcel = client.start::<Vec<String>>("Parcel", "p", &()).await?;
            client.sleep(seconds(1)).await;
            for name in signals {
                match *name {
                    "ship" => parcel.signal("ship", &1_u64).await?,
                    other => parcel.signal(other, &"book").await?,
                }
            }
            parcel.result().await
        });
        ran.map(|(items, _)| items.unwrap())
    };
    assert_eq!(shipped(&["add", "ship"]).unwrap(), ["book"]);
    assert_eq!(shipped(&["ship", "add"]).unwrap(), ["book"]);
    let error = shipped(&["ship"]).unwrap_err().to_string();
    assert!(error.contains("an interceptor waits for something that no news to the workflow will bring"), "{error}");
}
