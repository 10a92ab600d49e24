//! [`Query`]: a question to a workflow's code, from being asked to being answered.

use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::program::{Failure, Payload, key};
use crate::service::WorkflowKey;

key! {
    /// Which of the queries that were asked.
    pub(crate) struct QueryKey;
}

/// A query and what has become of it.
#[derive(Debug)]
pub(super) struct Query {
    workflow: WorkflowKey,
    name: Arc<str>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// For the worker, or for the workflow's task to end.
    Waiting {
        input: Payload,
        waker: Option<Waker>,
    },
    /// The worker's code looks at it.
    Asked(Option<Waker>),
    Answered(Result<Payload, Failure>),
    /// Its asker has the answer.
    Taken,
}

impl Query {
    /// A query on its way to a worker.
    pub(super) fn new(workflow: WorkflowKey, name: Arc<str>, input: Payload) -> Query {
        Query { workflow, name, state: State::Waiting { input, waker: None } }
    }

    /// Whom it asks.
    pub(super) fn workflow(&self) -> WorkflowKey {
        self.workflow
    }

    /// Says whether no code looks at it yet.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    /// A worker's code begins to look at it: its name and input, unless it waits no more.
    pub(super) fn begin(&mut self) -> Option<(Arc<str>, Payload)> {
        let State::Waiting { input, waker, .. } = &mut self.state else { return None };
        let input = input.clone();
        self.state = State::Asked(waker.take());
        Some((self.name.clone(), input))
    }

    /// The answer is there. Gives whom to wake.
    pub(super) fn answer(&mut self, answer: Result<Payload, Failure>) -> Option<Waker> {
        match std::mem::replace(&mut self.state, State::Answered(answer)) {
            State::Waiting { waker, .. } | State::Asked(waker) => waker,
            State::Answered(_) | State::Taken => None,
        }
    }

    /// The answer, once: a failure if the code has none.
    pub(super) fn poll(&mut self, waker: &Waker) -> Poll<Result<Payload, Failure>> {
        match std::mem::replace(&mut self.state, State::Taken) {
            State::Answered(answer) => return Poll::Ready(answer),
            State::Taken => {}
            State::Waiting { input, .. } => self.state = State::Waiting { input, waker: Some(waker.clone()) },
            State::Asked(_) => self.state = State::Asked(Some(waker.clone())),
        }
        Poll::Pending
    }
}
