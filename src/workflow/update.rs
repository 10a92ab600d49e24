//! How a workflow's code handles updates.

use std::any::type_name;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use serde::Serialize;

use super::context::WorkflowContext;
use super::error::WorkflowError;
use super::run::task_failure;
use super::state::WorkflowState;
use super::updates::{Arrived, Handler, Running};
use crate::program::{Command, Decode, Failure, Payload, TaskFailure, list_names, panics, places};

impl WorkflowContext {
    /// Says how updates of this name are handled. The handler is accepted code of the workflow: it may wait, start activities and
    /// timers, and change what it shares with the rest of the code, usually an `Rc<RefCell<..>>`. Its result goes to the caller;
    /// an error of it does too, and the workflow goes on. A second handler of a name replaces the first.
    ///
    /// Handlers run beside the workflow's code, before it where both go on in the same task, and one beside the other. Give them
    /// at the start of the code: an update that has no handler by the end of the workflow task that brings it is rejected. When
    /// the workflow's code returns while a handler waits, the update fails for its caller:
    /// [`updates_finished`](Self::updates_finished) waits for them.
    ///
    /// Input and result travel as JSON; an update without an input is a `()`.
    ///
    /// ```
    /// use std::cell::RefCell;
    /// use std::rc::Rc;
    /// use std::time::Duration;
    /// use durasim::{WorkflowContext, WorkflowError};
    ///
    /// async fn cart(ctx: &WorkflowContext, _: ()) -> Result<Vec<String>, WorkflowError> {
    ///     let items = Rc::new(RefCell::new(Vec::new()));
    ///     let (inner, added) = (ctx.clone(), items.clone());
    ///     ctx.on_update("add", async move |item: String| {
    ///         inner.sleep(Duration::from_secs(1)).await?;
    ///         added.borrow_mut().push(item);
    ///         Ok(added.borrow().len())
    ///     });
    ///     ctx.signals::<()>("checkout").recv().await?;
    ///     ctx.updates_finished().await;
    ///     Ok(items.take())
    /// }
    /// ```
    #[track_caller]
    pub fn on_update<I: Decode, R: Serialize>(
        &self,
        name: &str,
        handler: impl AsyncFn(I) -> Result<R, WorkflowError> + 'static,
    ) {
        places::called("ctx.on_update");
        self.handle_updates(name, |_: &I| Ok(()), handler);
    }

    /// Says how updates of this name are handled, and which are refused. The validator reads what it shares with the workflow's
    /// code; it may ask its context for nothing and change nothing, since an update that it refuses leaves no trace in the
    /// history. In a replay it is not asked. Otherwise as [`on_update`](Self::on_update).
    #[track_caller]
    pub fn on_validated_update<I: Decode, R: Serialize>(
        &self,
        name: &str,
        validator: impl Fn(&I) -> Result<(), WorkflowError> + 'static,
        handler: impl AsyncFn(I) -> Result<R, WorkflowError> + 'static,
    ) {
        places::called("ctx.on_validated_update");
        self.handle_updates(name, validator, handler);
    }

    fn handle_updates<I: Decode, R: Serialize>(
        &self,
        name: &str,
        validator: impl Fn(&I) -> Result<(), WorkflowError> + 'static,
        handler: impl AsyncFn(I) -> Result<R, WorkflowError> + 'static,
    ) {
        self.instance.called();
        if !self.instance.is_usable() {
            return;
        }
        let name: Arc<str> = name.into();
        let decode = |update: &Arc<str>, input: &Payload| {
            I::decode(input.as_bytes()).map_err(|why| WorkflowError::Input {
                of: format!("the input of update `{update}`"),
                wanted: type_name::<I>(),
                why: why.to_string(),
            })
        };
        let (first, second) = (name.clone(), name.clone());
        let validate = Box::new(move |input: &Payload| validator(&decode(&first, input)?));
        let handler = Rc::new(handler);
        let start = Box::new(move |input: &Payload| {
            let input = decode(&second, input)?;
            let (handler, update) = (Rc::clone(&handler), second.clone());
            let running: Running = Box::pin(async move {
                let result = handler(input).await?;
                Payload::from_json(&result).map_err(|why| WorkflowError::Encode {
                    what: format!("the result of update `{update}`, a `{}`,", type_name::<R>()),
                    why: why.to_string(),
                })
            });
            Ok(running)
        });
        let replaced = self.instance.updates.borrow_mut().handlers.insert(name, Rc::new(Handler { validate, start }));
        drop(replaced);
        self.instance.note_progress();
        if !self.instance.updates.borrow().arrived.is_empty() {
            self.instance.flag.wake_own();
        }
    }

    /// Waits until no handler of an update runs. A workflow that returns before fails them for their callers.
    #[track_caller]
    pub fn updates_finished(&self) -> impl Future<Output = ()> + Unpin + use<> {
        let at = places::called("ctx.updates_finished");
        let instance = Rc::clone(&self.instance);
        std::future::poll_fn(move |cx: &mut Context<'_>| {
            instance.called();
            let mut updates = instance.updates.borrow_mut();
            if updates.running.is_empty() && updates.arrived.iter().all(|update| !updates.has_handler(update)) {
                drop(updates);
                places::ended(at);
                return Poll::Ready(());
            }
            updates.waiting.push(cx.waker().clone());
            Poll::Pending
        })
    }
}

impl WorkflowState {
    /// Takes in an update. The code is to be polled: it may give the handler now.
    pub(super) fn deliver_update(&self, id: &Arc<str>, name: &Arc<str>, input: &Payload, validate: bool) {
        let arrived = Arrived { id: id.clone(), name: name.clone(), input: input.clone(), validate };
        self.updates.borrow_mut().arrived.push_back(arrived);
        self.flag.wake_own();
    }

    /// Lets the handlers go on: first new ones begin, in the order of their updates.
    ///
    /// # Errors
    /// The error is [`TaskFailure`] when a handler or a validator panics or breaks a rule.
    pub(super) fn run_updates(&self) -> Result<(), TaskFailure> {
        loop {
            let next = self.updates.borrow_mut().next();
            let Some((update, handler)) = next else { break };
            self.begin_update(update, &handler)?;
        }
        let mut place = 0;
        loop {
            let Some((id, running)) = self.take_running(place) else { break };
            let Some(mut running) = running else { break };
            let cx = &mut Context::from_waker(&self.waker);
            let polled = panics::catch(|| running.as_mut().poll(cx)).map_err(task_failure)?;
            if let Some(misuse) = self.take_failure() {
                return Err(*misuse);
            }
            match polled {
                Poll::Pending => {
                    self.updates.borrow_mut().running[place].1 = Some(running);
                    place += 1;
                }
                Poll::Ready(result) => {
                    panics::catch_drop(running).map_err(task_failure)?;
                    self.end_update(place, id, result)?;
                }
            }
        }
        Ok(())
    }

    fn take_running(&self, place: usize) -> Option<(Arc<str>, Option<Running>)> {
        let mut updates = self.updates.borrow_mut();
        updates.running.get_mut(place).map(|(id, running)| (id.clone(), running.take()))
    }

    fn begin_update(&self, update: Arrived, handler: &Handler) -> Result<(), TaskFailure> {
        let Arrived { id, name, input, validate } = update;
        if validate {
            let asked = self.limited("an update validator", || panics::catch(|| (handler.validate)(&input)));
            if let Some(misuse) = self.take_failure() {
                return Err(*misuse);
            }
            let verdict = asked.map_err(|unwound| match task_failure(unwound) {
                TaskFailure::Panicked { message } => {
                    TaskFailure::Panicked { message: format!("the validator of update `{name}`: {message}") }
                }
                other => other,
            })?;
            if let Err(refusal) = verdict {
                self.ask(Command::RejectUpdate { id, failure: refusal.into_failure() });
                return Ok(());
            }
        }
        self.ask(Command::AcceptUpdate { id: id.clone() });
        let started = panics::catch(|| (handler.start)(&input)).map_err(task_failure)?;
        let place = self.updates.borrow().running.len();
        match started {
            Ok(running) => self.updates.borrow_mut().running.push((id, Some(running))),
            Err(error) => {
                self.updates.borrow_mut().running.push((id.clone(), None));
                self.end_update(place, id, Err(error))?;
            }
        }
        Ok(())
    }

    fn end_update(
        &self,
        place: usize,
        id: Arc<str>,
        result: Result<Payload, WorkflowError>,
    ) -> Result<(), TaskFailure> {
        let waiting = {
            let mut updates = self.updates.borrow_mut();
            updates.running.remove(place);
            if updates.running.is_empty() { std::mem::take(&mut updates.waiting) } else { Vec::new() }
        };
        if let Err(WorkflowError::ContinueAsNew(_)) = result {
            return Err(TaskFailure::Misuse(format!(
                "the handler of update {id:?} of workflow `{}` continues as new: only the workflow's own code may, once its \
                 updates have ended",
                self.run.workflow_type
            )));
        }
        self.ask(Command::CompleteUpdate { id, result: result.map_err(WorkflowError::into_failure) });
        // The code may look at what the handler has done.
        self.flag.wake_own();
        waiting.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// The activation is over: updates that have no handler are refused.
    pub(super) fn refuse_updates(&self) {
        let refused = std::mem::take(&mut self.updates.borrow_mut().arrived);
        for update in refused {
            let known = list_names(self.updates.borrow().handlers.keys());
            let (workflow, name) = (&self.run.workflow_type, &update.name);
            let message =
                format!("workflow `{workflow}` handles no update `{name}`; the updates it handles now: {known}");
            let failure = Failure::application("UpdateNotFound", message).into();
            self.ask(Command::RejectUpdate { id: update.id, failure });
        }
    }

    /// Drops the handlers, which may hold contexts of this very instance, and those that run.
    pub(super) fn forget_updates(&self) -> Result<(), TaskFailure> {
        let updates = std::mem::take(&mut *self.updates.borrow_mut());
        panics::catch_drop(updates).map_err(task_failure)
    }
}
