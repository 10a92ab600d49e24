//! [`SignalReceiver`]: the signals of one name.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::FusedFuture;

use super::context::WorkflowContext;
use super::error::WorkflowError;
use super::scope::ScopeId;
use super::state::WorkflowState;
use crate::program::{Decode, Payload, WaiterIndex, places};

/// The signals of one name, in the order in which they arrive. From
/// [`WorkflowContext::signals`](crate::WorkflowContext::signals).
///
/// Receivers of one name share one queue, clones and those that are asked for again alike: each signal goes to one of
/// them.
pub struct SignalReceiver<T> {
    instance: Rc<WorkflowState>,
    scope: ScopeId,
    mailbox: usize,
    input: PhantomData<fn() -> T>,
}

impl WorkflowContext {
    /// The signals of this name. Those that arrived before this call wait in the queue. Inputs travel as JSON; a signal
    /// without an input is a `()`.
    ///
    /// ```
    /// use durasim::{WorkflowContext, WorkflowError};
    ///
    /// async fn total(ctx: &WorkflowContext, wanted: usize) -> Result<u64, WorkflowError> {
    ///     let amounts = ctx.signals::<u64>("amount");
    ///     let mut sum = 0;
    ///     for _ in 0..wanted {
    ///         sum += amounts.recv().await?;
    ///     }
    ///     Ok(sum)
    /// }
    /// ```
    #[track_caller]
    pub fn signals<T: Decode>(&self, name: &str) -> SignalReceiver<T> {
        places::called("ctx.signals");
        self.instance.called();
        let mailbox = self.instance.inbox.borrow_mut().mailbox(name);
        SignalReceiver { instance: Rc::clone(&self.instance), scope: self.scope, mailbox, input: PhantomData }
    }
}

impl<T: Decode> SignalReceiver<T> {
    /// Takes the next signal, waiting for it if there is none. The future borrows nothing, is `Unpin` and fused; one that
    /// is dropped takes no signal with it, so it may lose a `select_biased!`.
    ///
    /// The future ends with [`WorkflowError::Input`] if the signal's input is not a `T`, which takes the signal out of
    /// the queue, and with [`WorkflowError::Cancelled`] when the scope of the context is cancelled and no signal waits.
    #[track_caller]
    pub fn recv(&self) -> Recv<T> {
        Recv {
            at: places::called("signals.recv"),
            receiver: self.clone(),
            waiter: None,
            scope_waiter: None,
            ended: false,
        }
    }

    /// Takes the next signal if one waits.
    ///
    /// # Errors
    /// [`WorkflowError::Input`] if its input is not a `T`. It is out of the queue then.
    #[track_caller]
    pub fn try_recv(&self) -> Result<Option<T>, WorkflowError> {
        places::called("signals.try_recv");
        self.instance.take_signal(self.mailbox).map(|input| self.decode(&input)).transpose()
    }

    fn decode(&self, input: &Payload) -> Result<T, WorkflowError> {
        T::decode(input.as_bytes()).map_err(|why| WorkflowError::Input {
            of: format!("the input of signal `{}`", self.instance.inbox.borrow().name(self.mailbox)),
            wanted: type_name::<T>(),
            why: why.to_string(),
        })
    }
}

impl<T> Clone for SignalReceiver<T> {
    fn clone(&self) -> SignalReceiver<T> {
        let (scope, mailbox) = (self.scope, self.mailbox);
        SignalReceiver { instance: Rc::clone(&self.instance), scope, mailbox, input: PhantomData }
    }
}

impl<T> fmt::Debug for SignalReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.instance.inbox.borrow().name(self.mailbox);
        f.debug_struct("SignalReceiver").field("name", &name).finish_non_exhaustive()
    }
}

/// Waits for the next signal. From [`SignalReceiver::recv`].
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<T> {
    at: &'static Location<'static>,
    receiver: SignalReceiver<T>,
    waiter: WaiterIndex,
    scope_waiter: WaiterIndex,
    ended: bool,
}

impl<T: Decode> Future for Recv<T> {
    type Output = Result<T, WorkflowError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.ended {
            return Poll::Pending;
        }
        let instance = Rc::clone(&this.receiver.instance);
        let result = match instance.take_signal(this.receiver.mailbox) {
            Some(input) => this.receiver.decode(&input),
            None => {
                if instance.poll_cancelled(this.receiver.scope, &mut this.scope_waiter, cx).is_pending() {
                    instance.await_signal(this.receiver.mailbox, &mut this.waiter, cx.waker());
                    return Poll::Pending;
                }
                // The scope has forgotten all who waited.
                this.scope_waiter = None;
                Err(WorkflowError::cancelled())
            }
        };
        this.leave();
        places::ended(this.at);
        Poll::Ready(result)
    }
}

impl<T> Recv<T> {
    fn leave(&mut self) {
        self.ended = true;
        let SignalReceiver { instance, scope, mailbox, .. } = &self.receiver;
        instance.leave_cancelled(*scope, self.scope_waiter.take());
        let left = instance.inbox.borrow_mut().leave(*mailbox, self.waiter.take());
        drop(left);
    }
}

impl<T: Decode> FusedFuture for Recv<T> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<T> Drop for Recv<T> {
    fn drop(&mut self) {
        if !self.ended {
            self.leave();
        }
    }
}

impl<T> fmt::Debug for Recv<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").field("receiver", &self.receiver).field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl WorkflowState {
    /// Takes in a signal and wakes who waits for one of its name.
    pub(super) fn deliver_signal(&self, name: &Arc<str>, input: &Payload) {
        let woken = self.inbox.borrow_mut().deliver(name, input.clone());
        woken.into_iter().for_each(Waker::wake);
    }

    fn take_signal(&self, mailbox: usize) -> Option<Payload> {
        self.called();
        if !self.is_usable() {
            return None;
        }
        let signal = self.inbox.borrow_mut().take(mailbox);
        if signal.is_some() {
            self.note_progress();
        }
        signal
    }

    fn await_signal(&self, mailbox: usize, waiter: &mut WaiterIndex, waker: &Waker) {
        let replaced = self.inbox.borrow_mut().readers(mailbox).register(waiter, waker);
        drop(replaced);
    }
}
