//! The effects of a child are missed where somebody counts on it, and a child is asked for as an activity is.

use std::time::Duration;

use durasim::explore::Report;
use durasim::program::ParentClosePolicy;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, ChildOptions, Exploration, Ledger, RetryPolicy, Simulation,
    WorkflowContext, WorkflowError, check,
};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[derive(Default)]
struct Mail {
    sent: Ledger<String>,
}

async fn send(_: &ActivityContext, to: String) -> Result<(), ActivityError> {
    durasim::time::sleep(secs(5)).await;
    Ok(durasim::effect("send", || durasim::state::<Mail>().sent.record(to))?)
}

/// One attempt.
fn once() -> ActivityOptions {
    ActivityOptions {
        start_to_close_timeout: secs(60),
        retry_policy: Some(RetryPolicy { maximum_attempts: 1, ..Default::default() }),
        ..Default::default()
    }
}

/// A child that sends a letter.
async fn sends(ctx: &WorkflowContext, to: String) -> Result<(), WorkflowError> {
    ctx.execute_activity("send", &to, once()).await
}

/// A child whose activity `job` is tried for ever.
async fn tries(ctx: &WorkflowContext, of: String) -> Result<(), WorkflowError> {
    ctx.execute_activity("job", &of, ActivityOptions { retry_policy: None, ..once() }).await
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("send", send).workflow("sends", sends).state(Mail::default)
}

/// A parent that waits for its child or not, and ends well whatever comes of the child.
fn writing(waits: bool, works_on: bool) -> Exploration {
    let main = async move |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let parent_close_policy = ParentClosePolicy::Abandon;
        let child = ctx.start_child::<()>("sends", &"aunt", ChildOptions { parent_close_policy, ..Default::default() });
        child.started().await?;
        if waits {
            let _ = child.result().await;
        }
        if works_on { ctx.execute_activity("send", &"uncle", once()).await } else { Ok(()) }
    };
    let sent = check::effects(|mail: &Mail| &mail.sent);
    simulation().workflow("main", main).explore("main", &()).check(sent)
}

fn kind(report: &Report) -> Option<(&str, &str)> {
    assert!(report.error().is_none(), "{report}");
    report.failures().first().map(|failed| (failed.check.as_str(), failed.violation.kind.as_str()))
}

#[test]
fn nobody_counts_on_a_child_of_whose_end_its_parent_does_not_hear() {
    for plan in ["main_1:send#1@1:dispatch=cancel", "main_1:send#1@1:await1=fail"] {
        let plan = plan.parse().unwrap();
        assert_eq!(kind(&writing(false, false).replay(&plan)), None, "{plan}");
        // It hears of it, and says that all is well.
        assert_eq!(kind(&writing(true, false).replay(&plan)), Some(("effects", "lost")), "{plan}");
        assert_eq!(kind(&writing(true, true).replay(&plan)), Some(("effects", "lost")), "{plan}");
    }
    // The parent may close later than usual, and hear of what it does not wait for.
    let late = "main#1:task2=crash; main_1:send#1@1:dispatch=cancel".parse().unwrap();
    assert_eq!(kind(&writing(false, false).replay(&late)), None);
    // The parent was asked to cancel itself, and passes that on, but has nothing else to do.
    let passed_on = "main#1:task1=cancel; main#1:child1=delayed(1ms)".parse().unwrap();
    assert_eq!(kind(&writing(false, false).replay(&passed_on)), None);
    let report = writing(false, false).every_fault().every_pair().seeds(0..1_000).report();
    assert!(report.holds(), "{report}\n{}", report.failures()[0].text);
}

/// The excuse is for what the child has done without faults, and for faults.
#[test]
fn a_child_that_does_less_by_itself_is_no_excuse() {
    let forgets = async |ctx: &ActivityContext, to: String| -> Result<(), ActivityError> {
        if ctx.get_info().attempt == 1 { send(ctx, to).await } else { Ok(()) }
    };
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
        let parent_close_policy = ParentClosePolicy::Abandon;
        let child = ctx.start_child::<()>("tries", &"aunt", ChildOptions { parent_close_policy, ..Default::default() });
        child.started().await.map(|_| ())
    };
    let simulation = simulation().activity("job", forgets).workflow("tries", tries).workflow("main", main);
    let exploration = simulation.explore("main", &()).check(check::effects(|mail: &Mail| &mail.sent));
    let plan = "main_1:job#1@1:await1=fail".parse().unwrap();
    assert_eq!(kind(&exploration.replay(&plan)), Some(("effects", "lost")));
}

/// Children, and messages to other workflows, are asked for as activities are.
#[test]
fn who_asks_for_another_child_takes_another_branch() {
    let helps = async |_: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> { Ok(2) };
    let main = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let mut sending = ctx.execute_activity::<()>("send", &"aunt", once());
        let mut patience = ctx.sleep(secs(4));
        futures::select_biased! {
            slept = patience => {
                slept?;
                sending.await.map(|()| 1)
            }
            sent = sending => {
                sent?;
                let help = ctx.start_child::<u32>("helps", &(), ChildOptions::default()).result().await?;
                patience.await.map(|()| help)
            }
        }
    };
    let simulation = simulation().workflow("helps", helps).workflow("main", main);
    let report = simulation.explore("main", &()).every_order().report();
    assert!(report.holds(), "{report}\n{}", report.failures()[0].text);
    assert!(report.to_string().contains("another branch"), "{report}");
}
