//! [`ScriptOutput`]: what the script of an exploration may return.

use std::error::Error;

use serde::Serialize;

use crate::program::Payload;

/// A value that the script of [`Simulation::explore_script`](crate::Simulation::explore_script) may return.
/// Explorations compare it as JSON from run to run. There is nothing to implement: every `serde::Serialize` value is
/// one, and so is every `Result` of such a value with a boxed error.
///
/// With a `Result`, `?` works on the calls of a [`Client`](crate::Client). Its error may be a
/// [`ClientError`](crate::ClientError), a `String`,
/// a `Box<dyn Error>`, or any type of your own that implements `Serialize` and `From<ClientError>`:
///
/// ```
/// # use durasim::{ClientError, Simulation, WorkflowContext, WorkflowError};
/// # async fn twice(_: &WorkflowContext, n: u32) -> Result<u32, WorkflowError> { Ok(2 * n) }
/// # let simulation = Simulation::temporal().workflow("twice", twice);
/// simulation
///     .explore_script(async |client| -> Result<u32, ClientError> {
///         let twice = client.start::<u32>("twice", "twice-1", &21).await?;
///         twice.result().await
///     })
///     .every_fault()
///     .check(durasim::check::same_result())
///     .assert();
/// ```
///
/// `Kind` only tells the two apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "a script cannot return `{Self}`",
    label = "neither a `serde::Serialize` value nor a `Result` of one",
    note = "a script returns a value that implements `serde::Serialize`, or `Result<T, E>` where `T` does",
    note = "`E` is `ClientError`, `String`, `Box<dyn std::error::Error>` or an error that implements `serde::Serialize`"
)]
pub trait ScriptOutput<Kind> {
    /// Gives the value in the form in which it is compared.
    ///
    /// # Errors
    /// The error is that of `serde_json` for a value that JSON cannot hold.
    fn to_payload(&self) -> Result<Payload, serde_json::Error>;
}

/// The [`ScriptOutput`] that is a value.
#[derive(Debug)]
pub struct Plain(());

/// The [`ScriptOutput`] whose error is boxed.
#[derive(Debug)]
pub struct Boxed(());

#[diagnostic::do_not_recommend]
impl<T: Serialize> ScriptOutput<Plain> for T {
    fn to_payload(&self) -> Result<Payload, serde_json::Error> {
        Payload::from_json(self)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> ScriptOutput<Boxed> for Result<T, Box<dyn Error>> {
    fn to_payload(&self) -> Result<Payload, serde_json::Error> {
        Payload::from_json(&self.as_ref().map_err(ToString::to_string))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Serialize> ScriptOutput<Boxed> for Result<T, Box<dyn Error + Send + Sync>> {
    fn to_payload(&self) -> Result<Payload, serde_json::Error> {
        Payload::from_json(&self.as_ref().map_err(ToString::to_string))
    }
}
