//! Messages from workers to the service, and what the network does to them.

use super::agenda::Wakeup;
use super::core::Core;
use crate::trace::{AttemptKey, What, Who};
use crate::worker::message::{Call, Delivery, Message};

impl Core {
    /// Hands a message to the network.
    pub(super) fn post(&mut self, message: Message, delivery: Delivery) {
        match delivery {
            Delivery::Late(length) => {
                let message = self.network.send_message(message);
                self.agenda.wake_at(self.agenda.after(length), Wakeup::Deliver(message));
            }
            Delivery::Held => self.post_held(message),
            Delivery::Whole | Delivery::RequestLost | Delivery::AnswerLost => self.deliver(message, delivery),
        }
    }

    /// A message arrives at the service, or is lost on the way.
    pub(super) fn deliver(&mut self, message: Message, delivery: Delivery) {
        let Message { attempt, call } = message;
        let token = self.attempts[attempt].token();
        let arrives = delivery != Delivery::RequestLost;
        let answer = match call {
            Call::Heartbeat { details, bytes } => {
                return self.deliver_heartbeat(attempt, details, bytes, delivery);
            }
            _ if !arrives => Ok(()),
            Call::Complete { result } => self.serve(|service, now| service.complete(token, result, now)),
            Call::Fail { failure, details, bytes } => {
                let carries = details.is_some();
                self.serve_then(
                    |service, now| service.fail(token, Some(failure), details, now),
                    |core, answer| {
                        if carries && answer.is_ok() {
                            core.note(Who::Attempt(attempt), What::HeartbeatVisible(bytes));
                        }
                        answer
                    },
                )
            }
            Call::Cancel { details } => self.serve(|service, now| service.cancel(token, details, now)),
        };
        self.delivered(attempt, answer.is_err(), delivery);
    }

    /// Carries out the consequences of a message that has arrived, or was lost.
    pub(super) fn delivered(&mut self, attempt: AttemptKey, refused: bool, delivery: Delivery) {
        // A report whose answer is lost is sent again, and refused: the service has acted on it.
        let again = delivery == Delivery::AnswerLost && !self.attempts[attempt].is_running();
        if refused || again {
            self.note(Who::Attempt(attempt), What::Refused);
        }
    }
}
