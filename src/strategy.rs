//! Strategies for proptest: plans of a simulation's own points. Needs the feature `proptest`.
//!
//! An [`Exploration`](crate::Exploration) judges runs by what the fault-free run does. Where a property speaks of the input
//! too, or of several runs, let proptest draw both the input and the plan:
//!
//! ```
//! use std::time::Duration;
//! use durasim::{ActivityContext, ActivityError, ActivityOptions, RetryPolicy, Simulation, WorkflowContext, strategy};
//! use proptest::prelude::*;
//!
//! async fn count(ctx: &ActivityContext, to: u32) -> Result<u32, ActivityError> {
//!     for done in ctx.heartbeat_details::<u32>()?.unwrap_or(0)..to {
//!         durasim::time::sleep(Duration::from_secs(5)).await;
//!         ctx.heartbeat(&(done + 1))?;
//!     }
//!     Ok(to)
//! }
//!
//! let simulation = Simulation::temporal()
//!     .activity("count", count)
//!     .workflow("counting", async |ctx: &WorkflowContext, to: u32| {
//!         let options = ActivityOptions {
//!             start_to_close_timeout: Duration::from_secs(60),
//!             retry_policy: Some(RetryPolicy { maximum_attempts: 5, ..Default::default() }),
//!             ..Default::default()
//!         };
//!         ctx.execute_activity::<u32>("count", &to, options).await
//!     });
//!
//! let cases = (1..4u32).prop_flat_map({
//!     let simulation = simulation.clone();
//!     move |to| (Just(to), strategy::plan(&simulation, "counting", &to))
//! });
//! proptest!(ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() }, |((to, plan) in cases)| {
//!     let run = simulation.clone().plan(plan).run("counting", &to)?;
//!     let attempts = &run.activities()[0].attempts;
//!     let resumed = attempts.windows(2).all(|pair| pair[0].details_at_start <= pair[1].details_at_start);
//!     prop_assert!(resumed, "{}", run.timeline());
//! });
//! ```

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;

use crate::Simulation;
use crate::explore::points::Points;
use crate::explore::variables::refuse_unknown;
use crate::fault::{Entry, Plan};

/// Faults in a plan, at most.
const FAULTS: usize = 4;

/// Plans of up to four faults at different points of this workflow, seed 0, first in first out.
///
/// The points are those of the run without faults, with the faults that fit there, as
/// [`every_fault`](crate::Exploration::every_fault) tries them. All but the first fault of a plan may also strike a later
/// attempt at the same site: the fault-free run mostly has first attempts only. Such a point need not come up; the run goes on
/// without that fault, and [`Run::not_fired`](crate::Run::not_fired) has it.
///
/// Shrinking drops faults first, then moves them to attempts and points that come earlier.
///
/// Faults may use up what a retry policy allows, or cancel the workflow: the property has to say what it expects then. For an
/// order of ready tasks drawn at random, map the plans with [`Plan::with_order`] and [`Plan::with_seed`].
///
/// # Panics
/// If the run without faults cannot be finished, or a variable `DURASIM_..` means nothing.
#[track_caller]
pub fn plan(simulation: &Simulation, workflow: &str, input: &(impl Serialize + ?Sized)) -> BoxedStrategy<Plan> {
    let run = match refuse_unknown().and_then(|()| simulation.start(workflow, input).run(&Plan::none()).into_result()) {
        Ok(run) => run,
        Err(error) => panic!("there are no points to draw plans from, since the run without faults fails: {error}"),
    };
    let mut points = Points::of(&run).tried;
    points.sort_by_key(|tried| tried.moment.at);
    let entries: Vec<Entry> = points
        .into_iter()
        .flat_map(|tried| tried.faults.into_iter().map(move |fault| Entry::new(tried.point.clone(), fault)))
        .collect();
    let activities = run.activities_of(&entries);
    let drawn: Vec<Drawn> = entries
        .into_iter()
        .zip(activities)
        .map(|(entry, activity)| {
            let limit = activity.map_or(0, |activity| run.limits(activity).1.maximum_attempts);
            Drawn { entry, last_attempt: u32::try_from(limit).ok().filter(|limit| *limit > 0).unwrap_or(u32::MAX) }
        })
        .collect();
    if drawn.is_empty() {
        return Just(Plan::none()).boxed();
    }
    vec((select(drawn), 0..FAULTS as u32), 0..=FAULTS).prop_map(assemble).boxed()
}

/// A fault at a point of the fault-free run.
#[derive(Clone, Debug)]
struct Drawn {
    entry: Entry,
    /// The last attempt that the retry policy allows.
    last_attempt: u32,
}

/// Moves each fault on by so many attempts, though not by more than there are faults before it, which would have ended those
/// attempts. If there are several at a point, the first stays.
fn assemble(drawn: Vec<(Drawn, u32)>) -> Plan {
    let mut entries: Vec<Entry> = Vec::with_capacity(drawn.len());
    for (Drawn { mut entry, last_attempt }, later) in drawn {
        if let Some(attempt) = &mut entry.point.attempt {
            let latest = last_attempt.max(*attempt);
            *attempt = attempt.saturating_add(later.min(entries.len() as u32)).min(latest);
        }
        if entries.iter().all(|known| known.point != entry.point) {
            entries.push(entry);
        }
    }
    Plan::new(entries)
}
