//! Signals to other workflows and their cancellation, as code of the SDK asks for them.

use std::fmt::Debug;

use durasim::service::WorkflowOutcome;
use durasim::{Run, Simulation, check};
use durasim_temporal::SimulationExt;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ApplicationFailure, CancelExternalWorkflowError, ChildWorkflowOptions, SignalWorkflowOptions, SyncWorkflowContext,
    WorkflowContext, WorkflowResult, WorkflowSignalError, WorkflowTermination,
};

use crate::{contains, seconds, silent, unfolded};

/// Adds up numbers until it is cancelled, and gives the reason with them.
#[workflow]
#[derive(Default)]
struct Listens {
    sum: u32,
}

#[workflow_methods]
impl Listens {
    #[run(name = "listens")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<(u32, String)> {
        let reason = ctx.cancelled().await.unwrap_or_default();
        Ok((ctx.state(|state| state.sum), reason))
    }

    #[signal]
    fn number(&mut self, _ctx: &mut SyncWorkflowContext<Self>, number: u32) {
        self.sum += number;
    }
}

/// Talks to its child, and to nobody.
#[workflow]
#[derive(Default)]
struct Talks;

#[workflow_methods]
impl Talks {
    #[run(name = "talks")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<((u32, String), Vec<String>)> {
        let said = Talks::talk(ctx).await;
        // A cancel of its own reaches its child too, which nothing reaches then.
        if ctx.cancellation_token().is_cancelled() { Err(WorkflowTermination::cancelled()) } else { said }
    }
}

impl Talks {
    async fn talk(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<((u32, String), Vec<String>)> {
        let options = ChildWorkflowOptions::workflow_id("ear".to_owned());
        let ear = ctx.start_child_workflow(Listens::run, (), options).await?;
        ear.signal(Listens::number, 1, SignalWorkflowOptions::default()).await?;
        let newest = ctx.external_workflow("ear", None);
        newest.signal(Listens::number, 2, SignalWorkflowOptions::default()).await?;
        let run = ctx.external_workflow("ear", Some(ear.run_id.clone()));
        run.signal(Listens::number, 4, SignalWorkflowOptions::default()).await?;

        let mut words = Vec::new();
        for (id, run_id) in [("nobody", None), ("ear", Some("ear:2".to_owned()))] {
            let nobody = ctx.external_workflow(id, run_id);
            let said = nobody.signal(Listens::number, 8, SignalWorkflowOptions::default()).await;
            let Err(error @ WorkflowSignalError::NotFound(_)) = said else { return Err(unexpected(&said)) };
            let cancelled = nobody.cancel(None).await;
            let Err(cancel @ CancelExternalWorkflowError::NotFound(_)) = cancelled else {
                return Err(unexpected(&cancelled));
            };
            words.extend([error.to_string(), cancel.to_string()]);
        }
        newest.cancel(Some("enough".to_owned())).await?;
        let heard = ear.result().await?;
        let late = newest.signal(Listens::number, 16, SignalWorkflowOptions::default()).await;
        if matches!(late, Err(WorkflowSignalError::NotFound(_))) { Ok((heard, words)) } else { Err(unexpected(&late)) }
    }
}

fn unexpected(answer: &impl Debug) -> WorkflowTermination {
    ApplicationFailure::new(anyhow::anyhow!("it should not be found: {answer:?}")).into()
}

fn simulation() -> Simulation {
    Simulation::temporal().sdk_workflow::<Listens>().sdk_workflow::<Talks>()
}

#[test]
fn signals_and_cancels_reach_other_workflows() {
    let run = simulation().run("talks", &()).unwrap();
    let result = run.result::<((u32, String), Vec<String>)>().unwrap_or_else(|why| panic!("{why}\n{}", run.timeline()));
    let (heard, words) = result;
    // The words are those of the SDK's worker.
    let reason = "Cancel requested by workflow with run id talks with reason: enough";
    assert_eq!(heard, (7, reason.to_owned()));
    let signal = "Workflow not found: Unable to signal external workflow because it was not found";
    let cancel = "Workflow not found: Unable to cancel external workflow because not found";
    assert_eq!(words, [signal, cancel, signal, cancel]);
}

#[test]
fn messages_live_through_each_fault() {
    // A fault may cancel one of the two: then the other may find nobody.
    let heard = |run: &Run| match run.result::<((u32, String), Vec<String>)>() {
        Ok(((7, _), _)) => Ok(()),
        _ if unfolded(&run.timeline().to_string()).contains("fault: the workflow is asked to cancel") => Ok(()),
        other => Err(format!("{other:?}")),
    };
    let exploration =
        simulation().explore("talks", &()).without("same_result").check(check::named("all_is_heard", heard));
    silent(exploration.every_fault().every_order().every_pair().budget(100).seeds(0..200).check(check::replays()));
}

/// Signals another workflow when it is cancelled, with the options that take signals back then.
#[workflow]
#[derive(Default)]
struct SaysGoodbye;

#[workflow_methods]
impl SaysGoodbye {
    #[run(name = "says_goodbye")]
    async fn run(ctx: &mut WorkflowContext<Self>, (friend, shields): (String, bool)) -> WorkflowResult<String> {
        ctx.cancelled().await;
        let options = match shields {
            true => SignalWorkflowOptions::builder()
                .cancellation_token(temporalio_sdk::WorkflowCancellationToken::new())
                .build(),
            false => SignalWorkflowOptions::default(),
        };
        let said = ctx.external_workflow(friend, None).signal(Listens::number, 1, options).await;
        Ok(said.map_or_else(|error| error.to_string(), |()| "said".to_owned()))
    }
}

/// A signal inherits the cancel of its workflow: one that is sent after it never leaves.
#[test]
fn a_signal_of_a_cancelled_workflow_is_taken_back() {
    let simulation = simulation().sdk_workflow::<SaysGoodbye>();
    for (shields, sum, words) in [(false, 0, "Signal was cancelled before being sent"), (true, 1, "said")] {
        let script = async move |client: durasim::Client| {
            let friend = client.start::<(u32, String)>("listens", "friend", &()).await.unwrap();
            let input = ("friend", shields);
            let goodbye = client.start::<String>("says_goodbye", "goodbye", &input).await.unwrap();
            client.sleep(seconds(1)).await;
            goodbye.cancel().await.unwrap();
            let said = goodbye.result().await.unwrap();
            friend.cancel().await.unwrap();
            (said, friend.result().await.unwrap().0)
        };
        let ((said, heard), run) = simulation.drive(script).unwrap();
        contains(&said, words);
        assert_eq!(heard, sum, "{}", run.timeline());
        let sent = unfolded(&run.timeline().to_string()).contains("signal sent to friend");
        assert_eq!(sent, shields, "{}", run.timeline());
        let exploration = simulation.explore_script(script).without("same_result");
        silent(exploration.every_fault().seeds(0..50).check(check::replays()));
    }
}

/// A cancel of a workflow that has closed is taken, and does nothing.
#[test]
fn a_closed_workflow_may_be_cancelled() {
    #[workflow]
    #[derive(Default)]
    struct Late;

    #[workflow_methods]
    impl Late {
        #[run(name = "late")]
        async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
            let options = ChildWorkflowOptions::workflow_id("ear".to_owned());
            let ear = ctx.start_child_workflow(Listens::run, (), options).await?;
            ear.cancel("enough".to_owned());
            ear.result().await?;
            Ok(ctx.external_workflow("ear", Some("ear".to_owned())).cancel(None).await?)
        }
    }
    let run = simulation().sdk_workflow::<Late>().run("late", &()).unwrap();
    assert!(matches!(run.outcome(), durasim::Outcome::Closed(WorkflowOutcome::Completed(_))), "{}", run.timeline());
}
