//! A worker dies in the middle of an activity, and the next attempt goes on where the last heartbeat says.
//!
//! `cargo run --example resume`. `cargo test --example resume` compares the run with the one that was reviewed.

use std::time::Duration;

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Ledger, RetryPolicy, Simulation, WorkflowContext,
    WorkflowError, check,
};

/// The world outside: a printer that counts how often it printed each page.
#[derive(Default)]
struct Printer {
    printed: Ledger<u32>,
}

/// Prints a book, one page every 10 s, and says after each page how many are done.
async fn print_book(ctx: &ActivityContext, pages: u32) -> Result<u32, ActivityError> {
    let printer = durasim::state::<Printer>();
    let done = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    for page in done..pages {
        durasim::time::sleep(Duration::from_secs(10)).await;
        durasim::effect("print", || printer.printed.record(page))?;
        ctx.heartbeat(&(page + 1))?;
    }
    Ok(pages)
}

async fn publish(ctx: &WorkflowContext, pages: u32) -> Result<u32, WorkflowError> {
    let options = ActivityOptions {
        schedule_to_close_timeout: Duration::from_secs(600),
        heartbeat_timeout: Duration::from_secs(30),
        retry_policy: Some(RetryPolicy { maximum_attempts: 3, ..Default::default() }),
        ..Default::default()
    };
    ctx.execute_activity("print_book", &pages, options).await
}

fn simulation() -> Simulation {
    Simulation::temporal().activity("print_book", print_book).workflow("publish", publish).state(Printer::default)
}

/// Every crash, and every other fault at every point. In a test this is all there is, with `.assert()` at its end.
pub fn explored() -> Exploration {
    simulation()
        .explore("publish", &8)
        .every_fault()
        .check(check::same_result())
        .check(check::progress("print_book", |pages_done: &u32| *pages_done))
        .check(check::effects(|printer: &Printer| &printer.printed))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One crash: the worker dies while the first attempt waits for the sixth time.
    let run = simulation().plan("print_book#1@1:await6=crash".parse()?).run("publish", &8)?;
    println!("{}", run.timeline());
    assert_eq!(run.result::<u32>()?, 8);
    let attempts = &run.activities()[0].attempts;
    let resumed_at: u32 = serde_json::from_slice(attempts[1].details_at_start.as_deref().unwrap_or_default())?;
    println!("the second attempt went on after page {resumed_at}\n");
    assert!(resumed_at > 0, "the second attempt began anew");

    let report = explored().report();
    println!("{report}");
    report.failures().iter().for_each(|failed| println!("{}", failed.text));
    assert!(report.holds());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The run is a text to be reviewed: once it changes, this fails, and `cargo insta review` shows what was and what is.
    #[test]
    fn a_crash_in_the_middle() {
        let plan = "print_book#1@1:await6=crash".parse().unwrap();
        let run = simulation().plan(plan).run("publish", &8).unwrap();
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../snapshots");
        settings.set_prepend_module_to_snapshot(false);
        settings.bind(|| insta::assert_snapshot!("a_crash_in_the_middle", run.timeline()));
    }
}
