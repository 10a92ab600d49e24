//! [`ChildWorkflow`]: a workflow that another one has started, and the messages of workflows to each other.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::FusedFuture;
use serde::Serialize;

use super::context::WorkflowContext;
use super::error::WorkflowError;
use super::options::RetryPolicy;
use super::slot::{SlotEnd, SlotId, SlotKind};
use super::state::{Requested, WorkflowState};
use crate::program::{
    ChildCancellation, ChildSpec, Command, Decode, IdReusePolicy, ParentClosePolicy, Payload, Span, Target,
    TaskFailure, places,
};

/// How a child is to be run. A zero duration means "no limit".
///
/// ```
/// use std::time::Duration;
/// use durasim::ChildOptions;
///
/// let options = ChildOptions { run_timeout: Duration::from_secs(3_600), ..Default::default() };
/// assert_eq!(options.workflow_id, None);
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ChildOptions {
    /// The workflow id of the child, which no open workflow may have. `None` makes one of the run's id and the number of
    /// the child, so that a replay finds the same one.
    pub workflow_id: Option<String>,
    /// Where workers poll for it. `None` is the parent's own queue.
    pub task_queue: Option<String>,
    /// The longest time that the child may be open, all its runs together.
    pub execution_timeout: Duration,
    /// The longest time that each run of the child may be open.
    pub run_timeout: Duration,
    /// When and how often to run it again after it has failed. `None` is no retry.
    pub retry_policy: Option<RetryPolicy>,
    /// The schedule by which it is run again and again, as [`StartOptions::cron`](crate::StartOptions::cron) has it. `None` is
    /// once. The parent does not hear of the end of a run that another one follows.
    pub cron: Option<String>,
    /// Its fate when its parent closes. The default terminates it.
    pub parent_close_policy: ParentClosePolicy,
    /// Says what a closed workflow of the same id means. The default lets the id be used again.
    pub id_reuse_policy: IdReusePolicy,
    /// Decides what a cancelled scope does about the child. The default asks it to cancel itself, and waits for its end.
    pub cancellation: ChildCancellation,
    /// Lets fields be added: write `..Default::default()`.
    #[doc(hidden)]
    pub more: (),
}

impl ChildOptions {
    fn spec(&self, workflow: &str, id: String, input: Payload) -> Result<ChildSpec, TaskFailure> {
        let retry = self.retry_policy.as_ref().map(|policy| policy.spec("child", workflow)).transpose()?;
        Ok(ChildSpec {
            task_queue: self.task_queue.as_deref().map(Arc::from),
            execution_timeout: Span::from(self.execution_timeout),
            run_timeout: Span::from(self.run_timeout),
            retry,
            cron: self.cron.as_deref().map(Arc::from),
            parent_close_policy: self.parent_close_policy,
            id_reuse_policy: self.id_reuse_policy,
            cancellation: self.cancellation,
            ..ChildSpec::new(id, workflow, input)
        })
    }
}

impl WorkflowContext {
    /// Starts a workflow as a child of this one, at the call, and gives a handle of it. Input and result travel as JSON.
    ///
    /// ```
    /// use durasim::{ChildOptions, Simulation, WorkflowContext, WorkflowError};
    ///
    /// async fn twice(_ctx: &WorkflowContext, number: u32) -> Result<u32, WorkflowError> { Ok(2 * number) }
    ///
    /// async fn sum(ctx: &WorkflowContext, numbers: Vec<u32>) -> Result<u32, WorkflowError> {
    ///     let mut sum = 0;
    ///     for number in numbers {
    ///         sum += ctx.start_child::<u32>("twice", &number, ChildOptions::default()).result().await?;
    ///     }
    ///     Ok(sum)
    /// }
    ///
    /// let simulation = Simulation::temporal().workflow("twice", twice).workflow("sum", sum);
    /// assert_eq!(simulation.run("sum", &[1, 2, 3]).unwrap().result::<u32>().unwrap(), 12);
    /// ```
    #[track_caller]
    pub fn start_child<O: Decode>(
        &self,
        workflow: &str,
        input: &(impl Serialize + ?Sized),
        options: ChildOptions,
    ) -> ChildWorkflow<O> {
        let at = places::called("ctx.start_child");
        let encoded = Payload::from_json(input).map_err(|why| WorkflowError::Encode {
            what: format!("the input of child `{workflow}`"),
            why: why.to_string(),
        });
        let state = match encoded {
            Ok(input) => self.ask_for_child(workflow, input, &options),
            Err(error) => {
                self.instance.called();
                State::Failed(error)
            }
        };
        ChildWorkflow { at, context: self.clone(), state, output: PhantomData }
    }

    fn ask_for_child(&self, workflow: &str, input: Payload, options: &ChildOptions) -> State {
        let mut misuse = None;
        let run_id = &self.instance.run.run_id;
        let requested = self.instance.start(SlotKind::Child, self.scope, |seq| {
            let id = options.workflow_id.clone().unwrap_or_else(|| format!("{run_id}_{seq}"));
            let spec = options.spec(workflow, id, input).unwrap_or_else(|failure| {
                misuse = Some(failure);
                ChildSpec::new("", workflow, Payload::new(""))
            });
            Command::StartChild { seq, spec: Arc::new(spec) }
        });
        if let Some(misuse) = misuse {
            self.instance.fail(misuse);
            return State::Never;
        }
        State::of(requested)
    }

    /// Sends a signal to the open workflow of this id, at the call. The future ends when it has arrived, or with
    /// [`WorkflowError::NotDelivered`] if there is no such workflow. A workflow cannot send signals to itself.
    #[track_caller]
    pub fn signal_workflow(&self, workflow_id: &str, name: &str, input: &(impl Serialize + ?Sized)) -> MessageFuture {
        let at = places::called("ctx.signal_workflow");
        self.send_signal(at, Target::Workflow { workflow_id: workflow_id.into(), run_id: None }, name, input)
    }

    fn send_signal(
        &self,
        at: &'static Location<'static>,
        target: Target,
        name: &str,
        input: &(impl Serialize + ?Sized),
    ) -> MessageFuture {
        let state =
            match Payload::from_json(input) {
                Ok(input) => State::of(self.instance.start(SlotKind::Signal, self.scope, |seq| {
                    Command::SignalWorkflow { seq, target, name: name.into(), input }
                })),
                Err(why) => {
                    self.instance.called();
                    let what = format!("the input of signal `{name}`");
                    State::Failed(WorkflowError::Encode { what, why: why.to_string() })
                }
            };
        MessageFuture { at, instance: Rc::clone(&self.instance), state }
    }

    /// Asks the workflow of this id to cancel itself, at the call. The future ends when the request has arrived, or with
    /// [`WorkflowError::NotDelivered`] if there is no such workflow.
    #[track_caller]
    pub fn cancel_workflow(&self, workflow_id: &str) -> MessageFuture {
        let at = places::called("ctx.cancel_workflow");
        let state =
            State::of(self.instance.start(SlotKind::CancelRequest, self.scope, |seq| Command::CancelWorkflow {
                seq,
                target: Target::Workflow { workflow_id: workflow_id.into(), run_id: None },
                reason: Arc::from(""),
            }));
        MessageFuture { at, instance: Rc::clone(&self.instance), state }
    }
}

/// The thing that is waited for.
#[derive(Clone)]
enum State {
    Waiting(SlotId),
    Failed(WorkflowError),
    Never,
    Ended,
}

impl State {
    fn of(requested: Requested) -> State {
        match requested {
            Requested::Slot(slot) => State::Waiting(slot),
            Requested::Cancelled => State::Failed(WorkflowError::cancelled()),
            Requested::Never => State::Never,
        }
    }

    /// Gives the payload with which it ends; an empty one for what has none.
    fn poll(&mut self, instance: &WorkflowState, cx: &Context<'_>) -> Poll<Result<Payload, WorkflowError>> {
        let result = match self {
            State::Waiting(slot) => match instance.poll(*slot, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(SlotEnd::Completed(payload)) => Ok(payload),
                Poll::Ready(SlotEnd::Fired) => Ok(Payload::new("")),
                Poll::Ready(SlotEnd::Failed(failure))
                    if matches!(slot.kind, SlotKind::Child | SlotKind::ChildStart) =>
                {
                    Err(WorkflowError::ChildFailed(failure))
                }
                Poll::Ready(SlotEnd::Failed(failure)) => Err(WorkflowError::NotDelivered(failure)),
                Poll::Ready(SlotEnd::Cancelled(cancellation)) => Err(WorkflowError::Cancelled(cancellation)),
            },
            State::Failed(error) => Err(error.clone()),
            State::Never | State::Ended => return Poll::Pending,
        };
        *self = State::Ended;
        Poll::Ready(result)
    }
}

/// A child that has been asked for. From [`WorkflowContext::start_child`]. Dropping it does nothing to the child.
pub struct ChildWorkflow<O> {
    at: &'static Location<'static>,
    context: WorkflowContext,
    state: State,
    output: PhantomData<fn() -> O>,
}

impl<O: Decode> ChildWorkflow<O> {
    /// Waits until the child has started, and gives the id of its first run. Its end is waited for by
    /// [`result`](Self::result).
    ///
    /// # Errors
    /// The error is [`WorkflowError::ChildFailed`] if the id is taken, or [`WorkflowError::Cancelled`].
    #[track_caller]
    pub fn started(&self) -> impl Future<Output = Result<String, WorkflowError>> + Unpin + use<O> {
        let at = places::called("child.started");
        let mut state = match &self.state {
            State::Waiting(slot) => self.context.instance.child_start(*slot).map_or(State::Never, State::Waiting),
            other => other.clone(),
        };
        let instance = Rc::clone(&self.context.instance);
        std::future::poll_fn(move |cx: &mut Context<'_>| {
            let ended = state.poll(&instance, cx);
            if ended.is_ready() {
                places::ended(at);
            }
            ended.map(|result| result.map(|run_id| String::from_utf8_lossy(run_id.as_bytes()).into_owned()))
        })
    }

    /// Gives the future of the child's result.
    #[must_use = "the child runs, but nobody looks at how it ends"]
    pub fn result(self) -> ChildFuture<O> {
        let ChildWorkflow { at, context, state, output } = self;
        ChildFuture { at, instance: context.instance, state, output }
    }

    /// Sends a signal to the child, at the call.
    #[track_caller]
    pub fn signal(&self, name: &str, input: &(impl Serialize + ?Sized)) -> MessageFuture {
        let at = places::called("child.signal");
        match self.state {
            State::Waiting(slot) => self.context.send_signal(at, Target::Child(slot.seq), name, input),
            ref other => MessageFuture { at, instance: Rc::clone(&self.context.instance), state: other.clone() },
        }
    }

    /// Cancels the child, as its [`ChildCancellation`] says.
    #[track_caller]
    pub fn cancel(&self) {
        places::called("child.cancel");
        if let State::Waiting(slot) = self.state {
            self.context.instance.cancel_one(slot);
        }
    }
}

impl<O> fmt::Debug for ChildWorkflow<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildWorkflow").finish_non_exhaustive()
    }
}

/// The result of a child, once it is there. From [`ChildWorkflow::result`].
///
/// It borrows nothing, is `Unpin` and fused. Dropping it does nothing to the child.
#[must_use = "the child runs, but nobody looks at how it ends"]
pub struct ChildFuture<O> {
    at: &'static Location<'static>,
    instance: Rc<WorkflowState>,
    state: State,
    output: PhantomData<fn() -> O>,
}

impl<O: Decode> Future for ChildFuture<O> {
    type Output = Result<O, WorkflowError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let ChildFuture { at, instance, state, .. } = &mut *self;
        let Poll::Ready(result) = state.poll(instance, cx) else { return Poll::Pending };
        places::ended(at);
        Poll::Ready(result.and_then(|result| {
            O::decode(result.as_bytes()).map_err(|why| WorkflowError::Input {
                of: "the result of a child".to_owned(),
                wanted: type_name::<O>(),
                why: why.to_string(),
            })
        }))
    }
}

impl<O> Unpin for ChildFuture<O> {}

impl<O: Decode> FusedFuture for ChildFuture<O> {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

impl<O> fmt::Debug for ChildFuture<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildFuture").finish_non_exhaustive()
    }
}

/// A signal or a request to cancel on its way to another workflow. Dropping it does not take the message back.
#[must_use = "the message is sent, but nobody looks at whether it arrives"]
pub struct MessageFuture {
    at: &'static Location<'static>,
    instance: Rc<WorkflowState>,
    state: State,
}

impl Future for MessageFuture {
    type Output = Result<(), WorkflowError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let MessageFuture { at, instance, state } = &mut *self;
        let Poll::Ready(result) = state.poll(instance, cx) else { return Poll::Pending };
        places::ended(at);
        Poll::Ready(result.map(|_| ()))
    }
}

impl FusedFuture for MessageFuture {
    fn is_terminated(&self) -> bool {
        matches!(self.state, State::Ended)
    }
}

impl fmt::Debug for MessageFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageFuture").finish_non_exhaustive()
    }
}
