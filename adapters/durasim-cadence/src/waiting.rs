//! [`Places`]: the activities and timers that a workflow waits for, by their numbers.

use std::task::{Context, Poll, Waker};

use crabdance_workflow::DefaultWorkflowError;
use durasim::program::Seq;

/// The answer to something that the client's code has asked for.
pub(crate) type Answer = Result<Vec<u8>, DefaultWorkflowError>;

/// The things of one kind, in the order in which the code asked: the first has number 1.
#[derive(Default)]
pub(crate) struct Places(Vec<Place>);

/// Something that the code waits for.
enum Place {
    Open(Option<Waker>),
    Ended(Answer),
    /// The code has its answer.
    Taken,
}

impl Places {
    /// Adds one. Gives its number.
    pub(crate) fn add(&mut self) -> Seq {
        self.0.push(Place::Open(None));
        self.0.len() as Seq
    }

    /// The numbers of those that have not ended.
    pub(crate) fn open(&self) -> impl Iterator<Item = Seq> {
        (1..).zip(&self.0).filter(|(_, place)| matches!(place, Place::Open(_))).map(|(seq, _)| seq)
    }

    /// It has ended. Gives whom to wake; `None` if the code never asked for it, or has been told.
    pub(crate) fn end(&mut self, seq: Seq, answer: Answer) -> Option<Option<Waker>> {
        let place = self.0.get_mut((seq as usize).checked_sub(1)?)?;
        match std::mem::replace(place, Place::Ended(answer)) {
            Place::Open(waker) => Some(waker),
            other => {
                *place = other;
                None
            }
        }
    }

    /// Looks at one. Its answer can be taken once.
    pub(crate) fn poll(&mut self, seq: Seq, context: &Context<'_>) -> Poll<Answer> {
        let place = &mut self.0[seq as usize - 1];
        match place {
            Place::Open(waker) => {
                match waker {
                    Some(waker) => waker.clone_from(context.waker()),
                    None => *waker = Some(context.waker().clone()),
                }
                Poll::Pending
            }
            Place::Ended(_) => match std::mem::replace(place, Place::Taken) {
                Place::Ended(answer) => Poll::Ready(answer),
                _ => unreachable!("it was matched as ended"),
            },
            Place::Taken => Poll::Pending,
        }
    }
}
