//! Runs of the SDK's code carry a memo and search attributes, which its children and next runs have as the SDK's worker says.

use durasim::Simulation;
use durasim_temporal::{SimulationExt, connect};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_common::search_attributes::{SearchAttributeKey, SearchAttributes};
use temporalio_common::{MemoValue, MemoValues, RetryPolicy};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{ApplicationFailure, ChildWorkflowOptions, ContinueAsNewOptions, WorkflowContext, WorkflowResult};

use crate::seconds;

const COLOUR: SearchAttributeKey<String> = SearchAttributeKey::keyword("Colour");
const SIZE: SearchAttributeKey<i64> = SearchAttributeKey::int("Size");

fn coloured(colour: &str) -> SearchAttributes {
    SearchAttributes::new([COLOUR.value_set(colour.to_owned())])
}

fn memo(owner: &str) -> MemoValues {
    let mut memo = MemoValues::new();
    memo.insert("owner", owner.to_owned());
    memo
}

/// The memo and the search attributes of a run, as its code reads them.
fn seen<W>(ctx: &WorkflowContext<W>) -> String {
    let owner = ctx.memo().get::<String>("owner").unwrap_or_default().unwrap_or_default();
    let attributes = ctx.search_attributes();
    format!("{owner} {} {}", attributes.get(&COLOUR).unwrap_or_default(), attributes.get(&SIZE).unwrap_or_default())
}

/// Tells of itself, and then of the run that the step begins.
#[workflow]
#[derive(Default)]
struct Tells;

#[workflow_methods]
impl Tells {
    #[run(name = "tells")]
    async fn run(ctx: &mut WorkflowContext<Self>, steps: Vec<String>) -> WorkflowResult<String> {
        let seen = seen(ctx);
        let Some((step, rest)) = steps.split_first() else { return Ok(seen) };
        ctx.upsert_search_attributes([SIZE.value_set(7)]);
        ctx.upsert_memo([("owner", Some(MemoValue::new("Eve".to_owned())))])?;
        ctx.timer(seconds(1)).await;
        let child = ChildWorkflowOptions::builder().workflow_id("child".to_owned());
        let next = ContinueAsNewOptions::builder();
        let told = match step.as_str() {
            "child" => ctx.start_child_workflow(Tells::run, rest.to_vec(), child.build()).await?.result().await?,
            "red child" => {
                let child = child.search_attributes(coloured("red")).build();
                ctx.start_child_workflow(Tells::run, rest.to_vec(), child).await?.result().await?
            }
            "next" => match ctx.continue_as_new(rest.to_vec(), next.build())? {},
            "red next" => {
                let next = next.memo(memo("Bob")).search_attributes(coloured("red")).build();
                match ctx.continue_as_new(rest.to_vec(), next)? {}
            }
            "retry" if ctx.info().attempt() > 1 => String::new(),
            _ => Err(ApplicationFailure::new("not today"))?,
        };
        Ok(format!("{seen}, {told}"))
    }
}

/// Starts it with a memo and a search attribute, and gives its result.
fn told(steps: &[&str]) -> String {
    let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
    let (told, _run) = Simulation::temporal()
        .sdk_workflow::<Tells>()
        .drive(async |native| {
            let options = WorkflowStartOptions::new("durasim", "teller")
                .memo(memo("Ann"))
                .search_attributes(coloured("blue"))
                .retry_policy(RetryPolicy::builder().maximum_attempts(2).build())
                .build();
            let handle = connect(&native).start_workflow(Tells::run, steps, options).await.unwrap();
            handle.get_result(WorkflowGetResultOptions::default()).await.unwrap()
        })
        .unwrap();
    told
}

#[test]
fn a_run_reads_the_values_with_which_it_was_started() {
    assert_eq!(told(&[]), "Ann blue 0");
}

/// A child has those alone that its parent gives to it.
#[test]
fn a_child_has_what_its_parent_says() {
    assert_eq!(told(&["child"]), "Ann blue 0,   0");
    assert_eq!(told(&["red child"]), "Ann blue 0,  red 0");
}

/// The SDK's worker adds the memo with which the run was started, and the search attributes as they are now.
#[test]
fn a_run_that_continues_another_has_its_values_or_those_of_the_command() {
    assert_eq!(told(&["next"]), "Ann blue 7");
    assert_eq!(told(&["red next"]), "Bob red 0");
    assert_eq!(told(&["next", "red next", "next"]), "Bob red 7");
}

/// The server starts a retry with the values of the start.
#[test]
fn a_retry_has_the_values_with_which_the_first_was_started() {
    assert_eq!(told(&["retry"]), "Ann blue 0, ");
}
