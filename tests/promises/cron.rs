//! A workflow with a schedule is run at each moment of it, one run after the other, and knows how those before have ended.

use std::time::Duration;

use durasim::fault::Plan;
use durasim::program::{ContinueAsNew, ParentClosePolicy, Payload, RetrySpec};
use durasim::service::WorkflowOutcome;
use durasim::trace::attempts::WorkflowEnd;
use durasim::{
    ChildOptions, Client, ClientError, RetryPolicy, Run, Simulation, StartOptions, WorkflowContext, WorkflowError,
    WorkflowFn, WorkflowHandle,
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn by(schedule: &str) -> StartOptions {
    StartOptions { cron: Some(schedule.to_owned()), ..Default::default() }
}

/// Counts the runs that have completed, of 10 minutes each.
async fn counts(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    ctx.sleep(secs(10 * MINUTE)).await?;
    Ok(ctx.last_result::<u32>()?.unwrap_or(0) + 1)
}

fn simulation(job: impl WorkflowFn<(), u32>) -> Simulation {
    Simulation::temporal().workflow("job", job)
}

/// Lets a workflow run by its schedule for so many hours and five minutes.
fn runs(simulation: &Simulation, options: StartOptions, hours: u64) -> Run {
    let script = async move |client: Client| {
        let job = start(&client, options).await.expect("a start");
        client.sleep(secs(hours * HOUR + 5 * MINUTE)).await;
        job.terminate("the script is over").await.expect("it is open");
    };
    simulation.drive(script).expect("a run").1
}

async fn start(client: &Client, options: StartOptions) -> Result<WorkflowHandle<u32>, ClientError> {
    client.start_with("job", "job-1", &(), options).await
}

/// The minutes at which the runs of a chain took their first tasks, each with its end.
fn story(run: &Run) -> Vec<String> {
    let workflows = run.executions().workflows().values();
    let told = workflows.map(|workflow| {
        let began = workflow.tasks.first().map_or("never".to_owned(), |task| {
            let seconds = task.started.at.since_epoch().as_secs();
            format!("{}:{:02}", seconds / HOUR, seconds % HOUR / MINUTE)
        });
        let end = match workflow.closed {
            Some((_, WorkflowEnd::Completed(result))) => String::from_utf8_lossy(run.trace().bytes(result)).into(),
            Some((_, end)) => format!("{end:?}").split('(').next().unwrap_or_default().to_lowercase(),
            None => "open".to_owned(),
        };
        format!("{began} {end}")
    });
    told.collect()
}

/// The virtual epoch is the midnight before Wednesday, the 1st of January 2020.
#[test]
fn a_run_begins_at_each_moment_of_the_schedule() {
    for (schedule, hours, expected) in [
        ("@hourly", 3, &["1:00 1", "2:00 2", "3:00 terminated"][..]),
        ("30 */2 * * *", 5, &["0:30 1", "2:30 2", "4:30 3", "never terminated"]),
        ("@every 90m", 4, &["1:30 1", "3:00 2", "never terminated"]),
        ("15 6 * * FRI", 9 * 24, &["54:15 1", "never terminated"]),
        ("CRON_TZ=UTC 0 9 2 1 *", 48, &["33:00 1", "never terminated"]),
    ] {
        let run = runs(&simulation(counts), by(schedule), hours);
        assert_eq!(story(&run), expected, "{schedule}\n{}", run.timeline());
    }
}

/// Source: temporal `common/backoff/cron.go` (`GetBackoffForNextSchedule`).
#[test]
fn moments_that_pass_while_a_run_is_open_are_left_out() {
    let slow = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        ctx.sleep(secs(90 * MINUTE)).await?;
        Ok(1)
    };
    let run = runs(&simulation(slow), by("@hourly"), 6);
    assert_eq!(story(&run), ["1:00 1", "3:00 1", "5:00 terminated"], "{}", run.timeline());
}

/// Fails in the hours that `fails` names, and else counts.
fn moody(fails: fn(u64) -> bool) -> Simulation {
    simulation(async move |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let hour = ctx.now().since_epoch().as_secs() / HOUR;
        let before = ctx.last_failure().map_or("nothing".to_owned(), |failure| failure.to_string());
        let last = ctx.last_result::<u32>()?.unwrap_or(0);
        // Each word is to be found in a timeline.
        if fails(hour) {
            Err(WorkflowError::application(format!("bad hour {hour} behind {last} and {before}")))
        } else {
            Ok(last + 1)
        }
    })
}

#[test]
fn a_failed_run_hands_on_the_last_result_and_its_own_failure() {
    let run = runs(&moody(|hour| hour == 2 || hour == 3), by("@hourly"), 5);
    assert_eq!(story(&run), ["1:00 1", "2:00 failed", "3:00 failed", "4:00 2", "5:00 3", "never terminated"]);
    let timeline = run.timeline().details_width(200).to_string();
    for words in ["bad hour 2 behind 1 and nothing", "bad hour 3 behind 1 and Application: bad hour 2"] {
        assert!(timeline.contains(words), "{words}\n{timeline}");
    }
}

#[test]
fn a_workflow_with_a_retry_policy_is_retried_before_its_next_moment_comes() {
    let retry_policy =
        Some(RetryPolicy { initial_interval: secs(600), maximum_attempts: 2, ..Default::default() }.into());
    let run = runs(&moody(|hour| hour == 2), StartOptions { retry_policy, ..by("@hourly") }, 4);
    // The attempts are used up, so that the schedule has its turn; the next run is a first attempt again.
    assert_eq!(story(&run), ["1:00 1", "2:00 failed", "2:10 failed", "3:00 2", "4:00 3", "never terminated"]);
}

#[test]
fn a_run_that_times_out_is_followed_by_the_next() {
    let stuck = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        match ctx.last_failure().map(ToString::to_string) {
            Some(failure) => Err(WorkflowError::application(failure)),
            None => ctx.sleep(secs(24 * HOUR)).await.map(|()| 1),
        }
    };
    let run_timeout = secs(20 * MINUTE);
    let run = runs(&simulation(stuck), StartOptions { run_timeout, ..by("@hourly") }, 3);
    assert_eq!(story(&run), ["1:00 timedout", "2:00 failed", "3:00 failed", "never terminated"]);
    assert!(run.timeline().to_string().contains("workflow timeout"), "{}", run.timeline());
    // With Cadence the time for retries ends no schedule.
    let mut policy: RetrySpec = RetryPolicy { initial_interval: secs(60), ..Default::default() }.into();
    policy.expiration_interval = secs(20 * MINUTE).into();
    let cadence = Simulation::cadence().workflow("job", stuck);
    let run = runs(&cadence, StartOptions { retry_policy: Some(policy), ..by("@hourly") }, 2);
    assert_eq!(story(&run)[0], "1:00 timedout", "{}", run.timeline());
    assert_eq!(story(&run)[1], "2:00 failed", "{}", run.timeline());
    // The timeout of the whole chain ends it.
    let options = StartOptions { execution_timeout: secs(90 * MINUTE), ..by("@hourly") };
    let (end, run) = simulation(counts)
        .drive(async move |client| start(&client, options).await.expect("a start").result().await)
        .expect("it ends");
    assert!(matches!(end, Err(ClientError::NotCompleted(WorkflowOutcome::TimedOut { .. }))), "{end:?}");
    assert_eq!(story(&run), ["1:00 1", "never timedout"], "{}", run.timeline());
}

/// A cancel does not wait for the next moment.
#[test]
fn a_cancel_ends_the_chain() {
    for minutes in [65, 90] {
        let script = async move |client: Client| {
            let job = start(&client, by("@hourly")).await.expect("a start");
            client.sleep(secs(minutes * MINUTE)).await;
            job.cancel().await.expect("it is open");
            job.result().await
        };
        let (end, run) = simulation(counts).drive(script).expect("it ends");
        assert!(matches!(end, Err(ClientError::NotCompleted(WorkflowOutcome::Canceled(_)))), "{end:?}");
        let last = if minutes == 65 { "1:00 canceled" } else { "1:30 canceled" };
        assert_eq!(story(&run).last().map(String::as_str), Some(last), "{}", run.timeline());
    }
}

#[test]
fn a_run_that_continues_as_new_keeps_the_schedule_unless_it_sets_another() {
    for (schedule, expected) in [
        (None, &["1:00 continuedasnew", "1:10 2", "2:00 4", "3:00 6", "never terminated"][..]),
        (Some("@every 2h"), &["1:00 continuedasnew", "1:10 2", "3:10 4", "never terminated"]),
        (Some(""), &["1:00 continuedasnew", "1:10 2"]),
    ] {
        let twice = async move |ctx: &WorkflowContext, second: Option<bool>| -> Result<u32, WorkflowError> {
            if second.is_none() {
                ctx.sleep(secs(10 * MINUTE)).await?;
                let next = ContinueAsNew::new(Payload::from_json(&Some(true)).expect("JSON"));
                let next = match schedule {
                    Some(schedule) => next.cron(schedule),
                    None => next,
                };
                return Err(WorkflowError::ContinueAsNew(next.into()));
            }
            Ok(ctx.last_result::<u32>()?.unwrap_or(0) + 2)
        };
        let script = async move |client: Client| {
            let options = by("@hourly");
            let job = client.start_with::<u32>("job", "job-1", &None::<bool>, options).await.expect("a start");
            client.sleep(secs(3 * HOUR + 15 * MINUTE)).await;
            let _ = job.terminate("the script is over").await;
        };
        let (_, run) = Simulation::temporal().workflow("job", twice).drive(script).expect("a run");
        assert_eq!(story(&run), expected, "{schedule:?}\n{}", run.timeline());
    }
}

/// The parent hears nothing of the ends of its runs, and their fate when it closes is that of any child.
#[test]
fn a_child_is_run_by_its_schedule_until_its_parent_closes() {
    for (parent_close_policy, last) in
        [(ParentClosePolicy::Terminate, "terminated"), (ParentClosePolicy::RequestCancel, "canceled")]
    {
        let parent = async move |ctx: &WorkflowContext, (): ()| -> Result<(), WorkflowError> {
            let options = ChildOptions { cron: Some("@hourly".to_owned()), parent_close_policy, ..Default::default() };
            let child = ctx.start_child::<u32>("job", &(), options);
            child.started().await?;
            ctx.sleep(secs(3 * HOUR + 5 * MINUTE)).await
        };
        let run = simulation(counts).workflow("parent", parent).run("parent", &()).expect("a run");
        let expected = ["0:00 null".to_owned(), "1:00 1".into(), "2:00 2".into(), format!("3:00 {last}")];
        assert_eq!(story(&run), expected, "{}", run.timeline());
    }
}

#[test]
fn a_schedule_lives_through_each_fault_and_plans_name_its_runs() {
    let a_day = async |client: Client| {
        let job = start(&client, by("0 */6 * * *")).await.expect("a start");
        client.sleep(secs(25 * HOUR)).await;
        let count = job.inspect(|service, run| service.workflow(run).info().last_result.clone());
        let count = count.and_then(|count| count.to_json::<u32>().ok());
        (count, job.terminate("the script is over").await.is_ok())
    };
    simulation(counts).explore_script(a_day).every_fault().every_order().seeds(0..300).assert();
    let plan: Plan = "v1 seed=0 order=fifo; job#1@3:task2=crash; job#1:timer1=delayed(60s)".parse().expect("a plan");
    let (ended, run) = simulation(counts).plan(plan).drive(a_day).expect("a run");
    assert_eq!((ended, run.not_fired().len()), ((Some(4), true), 0), "{}", run.timeline());
}

/// A schedule has no end: the script has to end it, or the horizon does.
#[test]
fn a_chain_without_end_is_told() {
    let script = async |client: Client| drop(start(&client, by("@hourly")).await.expect("a start"));
    let error = simulation(counts).horizon(secs(10 * HOUR)).drive(script).expect_err("no end").to_string();
    assert!(error.contains("`job`") && error.contains("run 10"), "{error}");
}

#[test]
fn a_schedule_that_makes_no_sense_is_refused() {
    let refused = |options: StartOptions| {
        let script = async move |client: Client| start(&client, options).await.expect_err("a refusal").to_string();
        simulation(counts).drive(script).expect("a run").0
    };
    for (schedule, told) in [
        ("every day", "Invalid CronSchedule `every day`: it has 2 fields instead of five"),
        ("0 25 * * *", "the hour `25` is not within 0 to 23"),
        ("@sometimes", "`@sometimes` is no name of a schedule"),
        ("0 0 30 2 *", "it names no day that there is"),
        ("CRON_TZ=Europe/Berlin @daily", "the time zone `Europe/Berlin` is not simulated"),
    ] {
        let error = refused(by(schedule));
        assert!(error.contains(told), "{schedule}: {error}");
    }
    let error = refused(StartOptions { start_delay: secs(1), ..by("@daily") });
    assert!(error.contains("CronSchedule and WorkflowStartDelay may not be used together"), "{error}");
    let parent = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let options = ChildOptions { cron: Some("every day".to_owned()), ..Default::default() };
        ctx.start_child::<u32>("job", &(), options).result().await
    };
    let run = simulation(counts).workflow("parent", parent).run("parent", &());
    let error = run.map_or_else(|error| error.to_string(), |run| format!("{:?}", run.failed_task()));
    assert!(error.contains("Invalid CronSchedule `every day`"), "{error}");
}

#[test]
fn a_result_of_another_type_is_told() {
    let forgets = async |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        ctx.last_result::<String>().map(|last| last.map_or(1, |_| 2))
    };
    let run = runs(&simulation(forgets), by("@hourly"), 2);
    let timeline = run.timeline().details_width(200).to_string();
    assert!(timeline.contains("the result of the last run does not decode as"), "{timeline}");
}
