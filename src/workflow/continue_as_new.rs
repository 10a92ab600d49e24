//! The end of a run that goes on as another one, with a history of its own.

use std::sync::Arc;

use serde::Serialize;

use super::context::WorkflowContext;
use super::error::WorkflowError;
use crate::program::{ContinueAsNew, Fields, Payload, places};

impl WorkflowContext {
    /// Makes the error with which a workflow goes on as another run under the same id, with this input and an empty
    /// history. Its code returns the error; until then nothing has happened.
    ///
    /// Activities and timers that are open then are given up without a word, as on a server. Signals that the code has
    /// not received are lost with the run: receive them first, and pass them on in the input.
    ///
    /// To go on as another workflow, or with other options, return
    /// [`WorkflowError::ContinueAsNew`] of a [`ContinueAsNew`] of your own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{Simulation, WorkflowContext, WorkflowError};
    ///
    /// async fn remind(ctx: &WorkflowContext, day: u32) -> Result<u32, WorkflowError> {
    ///     ctx.sleep(Duration::from_secs(24 * 3_600)).await?;
    ///     if day < 7 { Err(ctx.continue_as_new(&(day + 1))) } else { Ok(day) }
    /// }
    ///
    /// let run = Simulation::temporal().workflow("remind", remind).run("remind", &1).unwrap();
    /// assert_eq!(run.result::<u32>().unwrap(), 7);
    /// ```
    #[track_caller]
    pub fn continue_as_new(&self, input: &(impl Serialize + ?Sized)) -> WorkflowError {
        places::called("ctx.continue_as_new");
        self.instance.called();
        match Payload::from_json(input) {
            Ok(input) => {
                let carried = self.instance.run.carried.clone().headers(Fields::new());
                WorkflowError::ContinueAsNew(Arc::new(ContinueAsNew::new(input).carrying(carried)))
            }
            Err(why) => WorkflowError::Encode { what: "the input of the next run".to_owned(), why: why.to_string() },
        }
    }
}
