//! [`Call`]: one call of a script to the service.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::FusedFuture;

use super::error::ClientError;
use crate::program::places;

type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, ClientError>> + 'a>>;

/// A call of a script to the service. It is made when it is first awaited.
///
/// It is fused and `Unpin`, so that `select_biased!` takes it as it is, by `&mut`.
#[must_use = "futures do nothing unless awaited"]
pub struct Call<'a, T> {
    name: &'static str,
    at: &'static Location<'static>,
    /// `None` once it is answered.
    answering: Option<Answering<'a, T>>,
}

impl<'a, T> Call<'a, T> {
    /// A call of this name, which stands where this is called from.
    #[track_caller]
    pub(super) fn new(name: &'static str, call: impl Future<Output = Result<T, ClientError>> + 'a) -> Call<'a, T> {
        Call { name, at: places::called(name), answering: Some(Box::pin(call)) }
    }
}

impl<T> Future for Call<'_, T> {
    type Output = Result<T, ClientError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Call { name, at, answering } = &mut *self;
        let Some(call) = answering else { return Poll::Pending };
        // It is made, or waited for, now.
        places::called_at(name, at);
        let answer = ready!(call.as_mut().poll(context));
        *answering = None;
        places::ended(at);
        Poll::Ready(answer)
    }
}

impl<T> FusedFuture for Call<'_, T> {
    fn is_terminated(&self) -> bool {
        self.answering.is_none()
    }
}

impl<T> fmt::Debug for Call<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("is_terminated", &self.is_terminated()).finish_non_exhaustive()
    }
}
