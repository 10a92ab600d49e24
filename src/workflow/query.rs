//! How a workflow's code answers questions about its state.

use std::any::type_name;
use std::rc::Rc;
use std::sync::Arc;

use serde::Serialize;

use super::context::WorkflowContext;
use super::error::WorkflowError;
use super::handlers::Handler;
use super::run::task_failure;
use super::state::WorkflowState;
use crate::program::{Command, Decode, Failure, Payload, TaskFailure, list_names, panics, places};

impl WorkflowContext {
    /// Says how queries of this name are answered. The handler reads what it shares with the workflow's code, usually an
    /// `Rc<RefCell<..>>`; it may ask its context for nothing and change nothing, since no trace of a query is in the
    /// history. A second handler of a name replaces the first.
    ///
    /// Input and answer travel as JSON; a query without an input is a `()`. Queries are answered also after the workflow
    /// has closed. One that has no handler, whose handler fails or panics, or that asks for something, gives the one who
    /// asks a failure and leaves the workflow as it is.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    /// use std::time::Duration;
    /// use durasim::{WorkflowContext, WorkflowError};
    ///
    /// async fn countdown(ctx: &WorkflowContext, from: u32) -> Result<(), WorkflowError> {
    ///     let left = Rc::new(Cell::new(from));
    ///     let shown = left.clone();
    ///     ctx.on_query("left", move |()| Ok(shown.get()));
    ///     while left.get() > 0 {
    ///         ctx.sleep(Duration::from_secs(1)).await?;
    ///         left.set(left.get() - 1);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    #[track_caller]
    pub fn on_query<I: Decode, O: Serialize>(
        &self,
        name: &str,
        handler: impl Fn(I) -> Result<O, WorkflowError> + 'static,
    ) {
        places::called("ctx.on_query");
        self.instance.called();
        if !self.instance.is_usable() {
            return;
        }
        let name: Arc<str> = name.into();
        let query = name.clone();
        let handler: Handler = Rc::new(move |input: &Payload| {
            let input = I::decode(input.as_bytes()).map_err(|why| WorkflowError::Input {
                of: format!("the input of query `{query}`"),
                wanted: type_name::<I>(),
                why: why.to_string(),
            })?;
            Payload::from_json(&handler(input)?).map_err(|why| WorkflowError::Encode {
                what: format!("the answer to query `{query}`, a `{}`,", type_name::<O>()),
                why: why.to_string(),
            })
        });
        let replaced = self.instance.queries.borrow_mut().insert(name, handler);
        drop(replaced);
    }
}

impl WorkflowState {
    /// Answers a query. Whatever becomes of it, the workflow goes on as if there had been none.
    pub(super) fn answer(&self, id: u32, name: &str, input: &Payload) -> Command {
        let handler = self.queries.borrow().get(name);
        let Some(handler) = handler else {
            return Command::QueryAnswer { id, result: Err(self.no_handler(name).into()) };
        };
        let woken = self.flag.take();
        let asked = self.limited("a query handler", || panics::catch(|| handler(input)));
        let woke = self.flag.take();
        if woken {
            self.flag.wake_own();
        }
        let result = match (self.take_failure(), asked) {
            (Some(misuse), _) => Err(Failure::application("QueryMisuse", misuse.to_string()).into()),
            (None, Ok(_)) if woke => {
                let problem = format!("the handler of query `{name}` woke the workflow's code: a query only reads");
                Err(Failure::application("QueryMisuse", problem).into())
            }
            (None, Ok(answer)) => answer.map_err(WorkflowError::into_failure),
            (None, Err(unwound)) => {
                let failure = match task_failure(unwound) {
                    TaskFailure::Panicked { message } => Failure::application("Panic", message),
                    other => Failure::application("QueryMisuse", other.to_string()),
                };
                Err(failure.into())
            }
        };
        Command::QueryAnswer { id, result }
    }

    fn no_handler(&self, name: &str) -> Failure {
        let known = list_names(self.queries.borrow().names());
        let workflow = &self.run.workflow_type;
        let message = format!("workflow `{workflow}` answers no query `{name}`; the queries it answers now: {known}");
        Failure::application("QueryNotFound", message)
    }

    /// Drops the handlers, which may hold contexts of this very instance.
    pub(super) fn forget_queries(&self) {
        if self.queries.borrow().is_empty() {
            return;
        }
        let handlers = std::mem::take(&mut *self.queries.borrow_mut());
        // A destructor's panic has no one to go to.
        let _ = panics::catch_drop(handlers);
    }
}
