//! Workflows of the SDK that are run again and again by a cron schedule.

use durasim::{Run, Simulation};
use durasim_temporal::{SimulationExt, connect};
use temporalio_client::{WorkflowStartOptions, WorkflowTerminateOptions};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{ChildWorkflowOptions, ParentClosePolicy, WorkflowContext, WorkflowResult};

use crate::{seconds, unfolded};

const HOUR: u64 = 3_600;

/// A job of ten minutes.
#[workflow]
#[derive(Default)]
struct Job;

#[workflow_methods]
impl Job {
    #[run(name = "job")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<u32> {
        ctx.timer(seconds(600)).await;
        Ok(7)
    }
}

/// Leaves such a job behind.
#[workflow]
#[derive(Default)]
struct Leaves;

#[workflow_methods]
impl Leaves {
    #[run(name = "leaves")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let options = ChildWorkflowOptions::builder().workflow_id("job-1".to_owned());
        let options = options.cron_schedule("0 * * * *".to_owned()).parent_close_policy(ParentClosePolicy::Abandon);
        ctx.start_child_workflow(Job::run, (), options.build()).await?;
        Ok(())
    }
}

/// The hours at which the runs of the job began their work.
fn hours(run: &Run) -> Vec<u64> {
    let jobs = run.executions().workflows().values().filter(|workflow| {
        let name = &run.trace().workflows()[workflow.key];
        &*name.workflow_type == "job"
    });
    jobs.filter_map(|job| Some(job.tasks.first()?.started.at.since_epoch().as_secs() / HOUR)).collect()
}

#[test]
fn a_start_has_a_schedule() {
    let (_, run) = Simulation::temporal()
        .sdk_workflow::<Job>()
        .drive(async |native| {
            let mut options = WorkflowStartOptions::new("post", "job-1").build();
            options.cron_schedule = Some("@hourly".to_owned());
            let client = connect(&native);
            client.start_workflow(Job::run, (), options).await.unwrap();
            native.sleep(seconds(3 * HOUR + 60)).await;
            let job = client.get_workflow_handle::<job::Run>("job-1");
            job.terminate(WorkflowTerminateOptions::default()).await.unwrap();
        })
        .unwrap();
    assert_eq!(hours(&run), [1, 2, 3], "{}", run.timeline());
}

#[test]
fn a_child_has_a_schedule() {
    let (_, run) = Simulation::temporal()
        .sdk_workflow::<Job>()
        .sdk_workflow::<Leaves>()
        .drive(async |native| {
            native.start::<()>("leaves", "leaves-1", &()).await.unwrap().result().await.unwrap();
            native.sleep(seconds(2 * HOUR + 60)).await;
            native.workflow::<u32>("job-1").await.unwrap().terminate("enough").await.unwrap();
        })
        .unwrap();
    assert_eq!(hours(&run), [1, 2], "{}", run.timeline());
}

#[test]
fn a_schedule_that_is_none_is_refused() {
    let (refused, _) = Simulation::temporal()
        .sdk_workflow::<Job>()
        .drive(async |native| {
            let mut options = WorkflowStartOptions::new("post", "job-1").build();
            options.cron_schedule = Some("at noon".to_owned());
            connect(&native).start_workflow(Job::run, (), options).await.err().map(|why| format!("{why:?}"))
        })
        .unwrap();
    let refused = unfolded(&refused.expect("a refusal"));
    assert!(refused.contains("Invalid CronSchedule `at noon`"), "{refused}");
}
