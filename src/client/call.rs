//! [`Call`]: one call of a script to the service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::FusedFuture;

use super::error::ClientError;

type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T, ClientError>> + 'a>>;

/// A call of a script to the service. It is made when it is first awaited.
///
/// It is fused and `Unpin`, so that `select_biased!` takes it as it is, by `&mut`.
#[must_use = "futures do nothing unless awaited"]
pub struct Call<'a, T>(Option<Answering<'a, T>>);

impl<'a, T> Call<'a, T> {
    pub(super) fn new(call: impl Future<Output = Result<T, ClientError>> + 'a) -> Call<'a, T> {
        Call(Some(Box::pin(call)))
    }
}

impl<T> Future for Call<'_, T> {
    type Output = Result<T, ClientError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(call) = &mut self.0 else { return Poll::Pending };
        let answer = ready!(call.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(answer)
    }
}

impl<T> FusedFuture for Call<'_, T> {
    fn is_terminated(&self) -> bool {
        self.0.is_none()
    }
}

impl<T> fmt::Debug for Call<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("is_terminated", &self.is_terminated()).finish_non_exhaustive()
    }
}
