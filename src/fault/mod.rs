//! Points, faults and plans. A point is a position in a run where something can go wrong, a fault goes wrong there, and
//! a plan is a list of both.
//!
//! A [`Plan`] is text that people read, paste and keep. One entry names a [`Point`] and a [`Fault`]:
//!
//! ```
//! use durasim::fault::Plan;
//!
//! let plan: Plan = "v1 seed=0 order=fifo; copy_files#1@2:await5=crash".parse()?;
//! assert_eq!(
//!     plan.words().to_string(),
//!     "the worker crashes when attempt 2 of copy_files waits for the 5th time"
//! );
//! # Ok::<(), durasim::fault::PlanError>(())
//! ```
//!
//! `copy_files#1@2` is the second attempt of the first activity of the type `copy_files`, and `await5` is the [`Site`] where it
//! waits for the fifth time. A point of a workflow has no attempt: `backup#1:task2`. The part before `;` may be left out: the
//! version of the text, the seed of the run, the order of ready tasks, and the exploration that the plan is for.
//!
//! | site | faults |
//! | --- | --- |
//! | `dispatch`: an attempt is given to a worker | `delayed(1s)`, `worker_dies`, `cancel`, `slow(3)`, `deploy`, `rollback` |
//! | `await5`: the attempt waits for the 5th time | `crash` (of the worker), `crash_attempt`, `fail`, `stall(2s)` (of the attempt), `freeze(2s)` (of the worker), `cancel`, `stop` |
//! | `effect2`: its 2nd `durasim::effect` | `crash_before`, `crash_after`, `fail_unapplied`, `fail_applied` |
//! | `heartbeat3`: it records its 3rd heartbeat | `crash_before`, `crash_after_sent`, `crash_after_unsent`, `request_lost`, `answer_lost`, `delayed(1s)` |
//! | `deadline4`: its deadline comes when it waits for the 4th time | `before(1ms)`, `at`, `at_late` (the service's timer first), `after(1ms)` |
//! | `completion`: it reports its end | `request_lost`, `answer_lost`, `delayed(1s)`, `crash`, `cancel` |
//! | `backoff`: it waits for the next attempt | `cancel`, `worker_gone` |
//! | `task2`: the 2nd workflow task | `crash`, `completion_lost`, `evicted`, `late(1s)`, `cancel`, `signal` (the last two while it is open), `answer_lost` (where the run goes on as another one), `deploy`, `rollback` |
//! | `signal1`, `timer1` of a workflow | `delayed(1s)`, `cancel`, `duplicated` (signals, only where asked for) |
//! | `child1`, `child_end1` of a workflow: its 1st child starts, it hears that this has closed | `delayed(1s)`, `cancel` |
//! | `message1` of a workflow: its 1st signal or request to cancel arrives at another workflow | `delayed(1s)`, `cancel` |
//! | `update1` of a workflow: its 1st update arrives | `request_lost`, `answer_lost`, `crash`, `cancel` |
//! | `update_end1` of a workflow: its code has ended its 1st update | `answer_lost`, `cancel` |
//!
//! `deploy` stops the workers and starts them with the new version of the code that
//! [`Simulation::deploy`](crate::Simulation::deploy) gives, and `rollback` goes back to the old one. `deploy(1)` does so with
//! worker 1 alone, so that both versions serve one queue.
//!
//! `slow(3)` makes each wait of the attempt take three times as long, while it is alive and heartbeats: a slow dependency.
//!
//! Lengths are `1ms`, `2s`, `1500us`.
//!
//! A server never loses what one workflow sends to another: its queue is late. So there is no fault that loses a message. One that
//! arrives when its target has closed is not delivered, though that was open when it was sent: `message1=delayed(7200s)`. One whose
//! sender has closed meanwhile goes nowhere, and a child whose start is late does not start then, unless its parent abandons it. A
//! message for a child whose start is late arrives behind that start, since SDKs send it then.
//!
//! Two faults change the order of what a workflow observes: `behind(timer1)` at a `completion`, `dispatch`, `task1`, `signal1`,
//! `timer1`, `child1`, `child_end1` or `message1`, and `next_task(timer1)` at the same sites but `dispatch` and `task1`. Their
//! thing is an [`Observable`] of the point's workflow: `timerN`, `signalN`, `activityN`, `childN` or `cancel`.
//!
//! Each fault is a variant of [`Fault`], whose documentation describes it.

pub(crate) mod asked;
pub(crate) mod deadline;
pub(crate) mod deploys;
pub(crate) mod family;
mod kind;
pub(crate) mod menu;
mod observable;
mod plan;
pub(crate) mod planned;
mod point;
pub(crate) mod quiet;
pub(crate) mod source;
pub(crate) mod survey;
pub(crate) mod swarm;
mod text;

pub use kind::Fault;
pub use observable::Observable;
pub use plan::{Entry, Order, Plan, PlanError, VERSION};
pub use point::{Point, Site};

pub(crate) use plan::{FaultWords, LetGoWords, Ordinal};
pub(crate) use point::{Id, Name};
