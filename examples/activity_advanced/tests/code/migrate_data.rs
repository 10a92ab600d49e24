//! The promises of `migrate_data_activity`, one fault each.

use activity_advanced::activities::migrate_data::{MigrationInput, MigrationProgress, MigrationResult};
use activity_advanced::activities::migrate_data_activity;
use activity_advanced::fakes::database::{Database, LEASE};
use activity_advanced::stops::{migration, simulation};
use durasim::{Dialect, Run, Simulation, Time, WorkflowContext, WorkflowError};

#[track_caller]
fn run_with(plan: &str, input: &MigrationInput) -> Run {
    let simulation = simulation(Dialect::Temporal).plan(plan.parse().unwrap());
    let run = simulation.run("data_migration", input).unwrap();
    assert_eq!(run.not_fired(), []);
    run
}

#[track_caller]
fn run(plan: &str) -> Run {
    run_with(plan, &migration())
}

/// The records that each heartbeat of an attempt, from 1, says are done.
fn saved(run: &Run, attempt: usize) -> Vec<u32> {
    let heartbeats = run.activities().remove(0).attempts.remove(attempt - 1).heartbeats;
    let progress = heartbeats.iter().map(|heartbeat| heartbeat.details.as_deref().unwrap());
    progress.map(|details| serde_json::from_slice::<MigrationProgress>(details).unwrap().records_done).collect()
}

/// The number of records that came to the target table so often.
fn published(run: &Run, times: usize) -> usize {
    let mut records = 0;
    run.state::<Database>().published.each(|_, entries| records += usize::from(entries.len() == times));
    records
}

#[test]
fn a_heartbeat_at_every_20_records_whatever_the_batch() {
    for batch_size in [1, 7, 15, 20, 50, 200] {
        let run = run_with("v1", &MigrationInput { batch_size, ..migration() });
        assert_eq!(saved(&run, 1), [20, 40, 60, 80, 100, 120], "batches of {batch_size}");
        assert_eq!(published(&run, 1), 120, "batches of {batch_size}");
    }
}

#[test]
fn a_crash_repeats_only_what_no_visible_heartbeat_counts() {
    let run = run("migrate_data#1@1:await60=crash");
    let attempts = run.activities().remove(0).attempts;
    let seen: MigrationProgress = serde_json::from_slice(attempts[1].details_at_start.as_deref().unwrap()).unwrap();
    assert_eq!(seen.records_done, 20);
    // 40 and more were published by then, and all of them counted in a heartbeat that was held back.
    assert_eq!(published(&run, 2), 25);
    assert_eq!(published(&run, 1) + published(&run, 2), 120);
    assert_eq!(run.result::<MigrationResult>(), self::run("v1").result());
    assert_eq!(run.state::<Database>().left_behind(), None);
}

#[test]
fn only_a_crash_leaves_something_behind_and_the_next_attempt_removes_it() {
    // The worker of the only attempt that there is time for dies.
    let crashed = run("migrate_data#1@1:dispatch=delayed(570s); migrate_data#1@1:await10=crash");
    assert_eq!(crashed.state::<Database>().left_behind().as_deref(), Some("8 records are staged and the lock is held"));
    for plan in ["await60=cancel", "await60=stop", "dispatch=delayed(570s)", "await60=crash", "await60=crash_attempt"] {
        let run = run(&format!("migrate_data#1@1:{plan}"));
        assert_eq!(run.state::<Database>().left_behind(), None, "{plan}");
    }
}

#[test]
fn a_stop_saves_all_that_was_copied() {
    for (plan, attempts) in [("await60=cancel", 1), ("await60=stop", 2)] {
        let run = run(&format!("migrate_data#1@1:{plan}"));
        assert_eq!(run.activities()[0].attempts.len(), attempts);
        let last = *saved(&run, 1).last().unwrap() as usize;
        assert_eq!(published(&run, 2), 0, "{plan}");
        assert!(published(&run, 1) >= last && last > 50, "{plan}: {last}");
    }
}

/// Two migrations at once, of the same table.
async fn two_migrations(ctx: &WorkflowContext, input: MigrationInput) -> Result<(), WorkflowError> {
    let options = durasim::ActivityOptions {
        schedule_to_close_timeout: std::time::Duration::from_secs(600),
        heartbeat_timeout: std::time::Duration::from_secs(60),
        ..Default::default()
    };
    let first = ctx.execute_activity::<MigrationResult>("migrate_data", &input, options.clone());
    let second = ctx.execute_activity::<MigrationResult>("migrate_data", &input, options);
    first.await?;
    second.await?;
    Ok(())
}

#[test]
fn another_owner_waits_for_the_lock_or_for_the_end_of_its_lease() {
    let two = |plan: &str| {
        Simulation::temporal()
            .activity("migrate_data", migrate_data_activity)
            .workflow("two_migrations", two_migrations)
            .state(Database::default)
            .plan(plan.parse().unwrap())
            .run("two_migrations", &MigrationInput { records: 20, ..migration() })
            .unwrap()
    };
    let first_of_second = |run: &Run| run.activities()[1].attempts[0].heartbeats.iter().map(|h| h.recorded_at).max();
    // Both did all of it, one after the other.
    let run = two("v1");
    assert_eq!(published(&run, 2), 20);
    let first_done = run.activities()[0].closed_at.unwrap();
    assert!(first_of_second(&run).unwrap() > first_done);

    // The first owner vanishes with the lock. Its lease ends before its heartbeat timeout does.
    let run = two("migrate_data#1@1:await5=crash_attempt");
    let second_done = run.activities()[1].closed_at.unwrap();
    assert!(second_done > Time::ZERO + LEASE && second_done < Time::from_millis(60_000), "{second_done}");
    assert_eq!(run.state::<Database>().left_behind(), None);
}
