//! The loop that ties engine, service, workers and faults together, and what it leaves: [`Run`].
//!
//! # Ground rules
//!
//! **One clock, and it jumps.** The [agenda] has the clock of a run. It stands still while anything is to be done or any
//! task is ready, and then jumps to the next entry of its queue. No real clock is read here.
//!
//! **One source of choice.** What user code does not fix is drawn: the order of ready tasks from the schedule, faults from
//! their source, user code's random numbers from a stream of their own. A draw in one never shifts another.
//!
//! **The service is passive.** It is called by [`Core::serve`](core::Core::serve), which takes what the call leaves, and
//! by nothing else: nobody can forget to. A call in the midst of that leaves its news behind what is there.
//!
//! **A crash is no drop.** The future of a crashed attempt is never polled again, its wakers and timers mean nothing, and it
//! is kept among the [dead] until the checks have seen the run: a killed process runs no destructors. An eviction and an
//! abort drop, and destructors run, as in an SDK. A crash inside a synchronous call has to unwind: the attempt is marked
//! dead *before* that, and its state is looked at after every poll, whatever that answered, since user code may catch the
//! unwinding. Nothing unwinds while the thread is panicking.
//!
//! **Recorded is not visible.** A heartbeat passes the worker's throttle, and a crash loses what was not sent. One heartbeat
//! is in flight per attempt; a report waits for it.
//!
//! **A late attempt is a zombie.** One that the service has given up runs on beside its successor, and what it says is
//! refused. A run ends when its workflows have closed and no attempt runs, at the horizon, or as [`ending`] says.
//!
//! **Nothing is formatted in a run that passes**, and everything that happens is noted in the trace at once.
//!
//! **A counter lives as long as what it counts.** A run leaves memory to the next on its thread, never a value:
//! [`core`] is built from its constructor, into which only emptied buffers are moved.
//!
//! **User code runs with nothing borrowed.** The core is never borrowed while code of the user's runs, which may call back;
//! [whose code it is](running) is said before and taken back after. Such code is called under `catch`, destructors too.
//! Misuse ends the *run* with a typed error: it neither fails an attempt, which would be retried, nor panics the test.
//!
//! # Files
//!
//! Nouns know nothing of the core, and their fields are their own: [agenda], [background], [dead], [ending],
//! [`event_places`], [holds], [`hosted_activity`], [`hosted_workflow`], [ledgers], [network], [query], [running],
//! [settings], [setup], [states], [violated], [watch]. The core ([`core`]) has them: one of each, or a table. All other
//! files are ways through it: the loop in `step`, tasks of workflows, attempts and their heartbeats, workers, queries,
//! signals, faults, holds.

mod agenda;
pub(crate) mod ambient;
mod answering;
mod awaits;
pub(crate) mod background;
mod between_workflows;
mod calls;
mod client_calls;
pub(crate) mod core;
mod dead;
mod deadline;
mod deploys;
mod dispatch;
mod effects;
mod ending;
mod error;
mod event_places;
mod failing_task;
mod faults;
#[cfg(feature = "tracing")]
mod fields;
mod heartbeats;
mod holding;
mod holds;
mod host;
pub(crate) mod host_link;
mod hosted_activity;
mod hosted_workflow;
mod hosting;
mod in_vain;
pub(crate) mod interrupt;
pub(crate) mod ledgers;
mod local_activities;
mod local_task;
pub(crate) mod logging;
pub(crate) mod logs;
mod memories;
mod messages;
mod misuse;
mod nearest;
pub(crate) mod network;
mod news;
mod notices;
mod placing;
mod process_value;
mod queries;
pub(crate) mod query;
pub(crate) mod recorded;
mod renewals;
pub(crate) mod replay;
mod run;
mod running;
pub(crate) mod settings;
pub(crate) mod setup;
pub(crate) mod shown;
mod signals;
pub(crate) mod sleeps;
mod slow;
mod spawning;
pub(crate) mod start;
pub(crate) mod states;
pub(crate) mod stderr;
mod step;
pub(crate) mod stuck;
#[cfg(feature = "tracing")]
mod subscriber;
mod survey;
mod task_failures;
mod unknown_names;
pub(crate) mod update;
mod updates;
mod user_code;
mod versions;
pub(crate) mod violated;
pub(crate) mod watch;
mod watchdog;
mod watching;
mod worker_states;
mod workers;
mod workflow_tasks;

pub use error::{RunError, WorkflowTaskErrorKind};
pub(crate) use run::Finished;
pub use run::{Outcome, ResultError, Run};
pub use settings::{HeartbeatThrottle, Settings};
