//! The simulated service: it treats activities and workflows as a Temporal server does, and has the types in which a
//! run speaks of them.
//!
//! The service is a passive state machine. Every method is called with the present moment, changes the state, and
//! answers. It leaves the timers that it wants, the tasks that it has for workers and the news in `Service::outbox`,
//! which the caller drains after every call. Nothing here knows of futures, threads or clocks.
//!
//! Each rule is written down once, in the file named after it: `options` (defaults and validation), `retry` (is there
//! another attempt, and when), `timeout` (which deadlines there are, and how a passed one is reported). These rules
//! follow the sources and recordings of Temporal Server 1.32, which their documentation names. Where Cadence's rules
//! differ, they stand in `cadence`, taken from its sources and not recorded; [`Dialect`] says which rules are in force.

pub(crate) mod activity;
pub(crate) mod attempt;
mod by_id;
pub(crate) mod cadence;
mod chain;
mod child;
mod children;
mod command;
mod cron;
mod description;
mod dialect;
mod encoded;
mod ending;
mod external;
pub(crate) mod go_pow;
mod history;
mod history_limits;
pub(crate) mod keys;
mod lifecycle;
mod limit;
mod local;
mod operator;
pub(crate) mod options;
pub(crate) mod origin;
pub(crate) mod outbox;
mod outcome;
mod policies;
mod recording;
pub(crate) mod refused;
pub(crate) mod retry;
mod signal;
pub(crate) mod standalone;
pub(crate) mod start;
pub(crate) mod state;
pub(crate) mod task;
pub(crate) mod timeout;
mod timer;
mod update;
mod update_options;
mod updates;
pub(crate) mod workflow;

pub(crate) use activity::{Activity, ActivityClose};
pub use attempt::HeartbeatAnswer;
pub use child::Child;
pub use description::{ActivityDescription, ActivityStatus};
pub use dialect::Dialect;
pub use history::{EventKind, HistoryEvent, TaskFailedCause};
pub use history_limits::HistoryLimits;
pub use keys::{ActivityKey, WorkflowKey};
pub(crate) use keys::{Rank, TaskToken, Token};
pub use operator::{Reset, Unpause};
pub(crate) use outbox::{News, Ready, ServiceTimer, TimerRequest, WorkflowMessage};
pub use outcome::WorkflowOutcome;
pub use refused::{Code, Refused};
pub(crate) use standalone::StartActivity;
pub(crate) use start::{StartAnswer, StartWorkflow};
pub(crate) use state::Service;
pub(crate) use task::WorkflowTask;
pub use update::{Update, UpdateKey, UpdateStage};
pub use update_options::UpdateOptions;
pub(crate) use workflow::Workflow;
