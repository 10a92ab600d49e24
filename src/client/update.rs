//! [`UpdateHandle`]: an update that a script has sent.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;

use super::call::Call;
use super::error::ClientError;
use super::handle::{WorkflowHandle, decode, encode, world};
use crate::program::{Decode, Failure, Payload};
use crate::service::UpdateStage;
use crate::world::update::{UpdateCallKey, WaitStage};

/// The options of an update.
///
/// ```
/// use durasim::UpdateOptions;
///
/// let options = UpdateOptions { id: Some("payment-7".to_owned()), ..Default::default() };
/// assert_ne!(options, UpdateOptions::default());
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UpdateOptions {
    /// The id: a run gets an update of one id once, and every caller that sends it again hears of the same. `None` gives it
    /// one of its own. An update that was rejected is forgotten, and may be sent again.
    pub id: Option<String>,
    /// Lets fields be added: write `..Default::default()`.
    #[doc(hidden)]
    pub more: (),
}

impl<O: Decode> WorkflowHandle<O> {
    /// Sends an update, and waits until the workflow's code has ended it. `R` is its result.
    ///
    /// A server sends an update of which no worker has said a word to the run that follows, if the one that it was sent to
    /// continues as new or is retried.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    /// use durasim::{Simulation, WorkflowContext, WorkflowError};
    ///
    /// async fn account(ctx: &WorkflowContext, balance: u32) -> Result<u32, WorkflowError> {
    ///     let balance = Rc::new(Cell::new(balance));
    ///     let (left, spent) = (balance.clone(), balance.clone());
    ///     ctx.on_validated_update(
    ///         "withdraw",
    ///         move |amount: &u32| match *amount <= left.get() {
    ///             true => Ok(()),
    ///             false => Err(WorkflowError::application("not so much is left")),
    ///         },
    ///         async move |amount: u32| {
    ///             spent.set(spent.get() - amount);
    ///             Ok(spent.get())
    ///         },
    ///     );
    ///     ctx.signals::<()>("close").recv().await?;
    ///     ctx.updates_finished().await;
    ///     Ok(balance.get())
    /// }
    ///
    /// let (left, _run) = Simulation::temporal()
    ///     .workflow("account", account)
    ///     .drive(async |client| {
    ///         let account = client.start::<u32>("account", "account-1", &10).await?;
    ///         assert_eq!(account.update::<u32>("withdraw", &7).await?, 3);
    ///         let refused = account.update::<u32>("withdraw", &7).await.unwrap_err();
    ///         assert_eq!(refused.to_string(), "the update was rejected: Application: not so much is left");
    ///         account.signal("close", &()).await?;
    ///         account.result().await
    ///     })
    ///     .unwrap();
    /// assert_eq!(left, Ok(3));
    /// ```
    ///
    /// # Errors
    /// - [`ClientError::UpdateRejected`] if the code has no handler of this name, or its validator refuses the input.
    /// - [`ClientError::UpdateFailed`] if the handler fails, or the run closes before it has ended.
    /// - [`ClientError::Refused`] if the run has closed, or closes before its code has accepted the update.
    /// - [`ClientError::Encode`] or [`ClientError::Decode`].
    #[track_caller]
    pub fn update<'a, R: Decode>(&'a self, name: &'a str, input: &'a (impl Serialize + ?Sized)) -> Call<'a, R> {
        Call::new("handle.update", async move { self.send_update(name, input, None)?.ended().await })
    }

    /// Sends an update as [`update`](WorkflowHandle::update) does, with options.
    ///
    /// # Errors
    /// The error is one of those of [`update`](WorkflowHandle::update).
    #[track_caller]
    pub fn update_with<'a, R: Decode>(
        &'a self,
        name: &'a str,
        input: &'a (impl Serialize + ?Sized),
        options: UpdateOptions,
    ) -> Call<'a, R> {
        Call::new("handle.update_with", async move { self.send_update(name, input, options.id)?.ended().await })
    }

    /// Sends an update, and waits until the workflow's code has accepted it. Its result comes by the handle.
    ///
    /// # Errors
    /// The error is one of those of [`update`](WorkflowHandle::update).
    #[track_caller]
    pub fn start_update<'a, R: Decode>(
        &'a self,
        name: &'a str,
        input: &'a (impl Serialize + ?Sized),
        options: UpdateOptions,
    ) -> Call<'a, UpdateHandle<R>> {
        Call::new("handle.start_update", async move {
            let handle = self.send_update(name, input, options.id)?;
            handle.reaches(WaitStage::Accepted).await?;
            Ok(handle)
        })
    }

    /// Gives the handle of an update that was sent under this id. `R` is its result.
    #[track_caller]
    pub fn update_handle<R: Decode>(&self, id: &str) -> UpdateHandle<R> {
        let world = world();
        let run = world.inspect(|service| self.newest(service));
        UpdateHandle { call: world.ask_for_update(run, id), id: id.into(), output: PhantomData }
    }

    fn send_update<R>(
        &self,
        name: &str,
        input: &(impl Serialize + ?Sized),
        id: Option<String>,
    ) -> Result<UpdateHandle<R>, ClientError> {
        let input = encode(input, || format!("the input of update `{name}`"))?;
        let world = world();
        let run = world.inspect(|service| self.newest(service));
        let (call, id) = world.send_update(run, id.map(Arc::from), name, input);
        Ok(UpdateHandle { call, id, output: PhantomData })
    }
}

/// An update that was sent.
pub struct UpdateHandle<R> {
    call: UpdateCallKey,
    id: Arc<str>,
    output: PhantomData<fn() -> R>,
}

impl<R: Decode> UpdateHandle<R> {
    /// The id under which it was sent.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Waits until the update has ended.
    ///
    /// # Errors
    /// The error is one of those of [`WorkflowHandle::update`].
    #[track_caller]
    pub fn result(&self) -> Call<'_, R> {
        Call::new("update.result", self.ended())
    }

    async fn ended(&self) -> Result<R, ClientError> {
        let result = self.reaches(WaitStage::Completed).await?.unwrap_or_else(|| Payload::new(""));
        decode(&result, || format!("the result of update `{}`", self.id))
    }

    /// Waits for a stage. Gives the result if the update has ended with one.
    async fn reaches(&self, stage: WaitStage) -> Result<Option<Payload>, ClientError> {
        match poll_fn(|context| world().poll_update(self.call, stage, context)).await? {
            UpdateStage::Completed(Ok(result)) => Ok(Some(result)),
            UpdateStage::Completed(Err(failure)) => Err(ClientError::UpdateFailed(Failure::clone(&failure))),
            UpdateStage::Rejected(failure) => Err(ClientError::UpdateRejected(Failure::clone(&failure))),
            _ => Ok(None),
        }
    }
}

impl<R> fmt::Debug for UpdateHandle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateHandle").field("id", &self.id).finish_non_exhaustive()
    }
}
