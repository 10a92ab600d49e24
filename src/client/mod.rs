//! The items with which a script drives a run: [`Client`], [`WorkflowHandle`], [`ActivityHandle`], and the values that their calls return.

mod activity_handle;
mod activity_options;
mod begin;
mod by_id;
mod call;
mod error;
mod handle;
mod operate;
mod options;
mod output;
pub mod requests;
mod script;
mod update;

pub use activity_handle::ActivityHandle;
pub use activity_options::StartActivityOptions;
pub use call::Call;
pub use error::ClientError;
pub use handle::WorkflowHandle;
pub use options::StartOptions;
pub use output::ScriptOutput;
pub use script::Client;
pub use update::{UpdateHandle, UpdateOptions};
