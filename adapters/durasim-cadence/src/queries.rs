//! The answers to queries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crabdance_workflow::context::QueryHandler;
use durasim::program::{Command, Failure, Job, Payload, RunInfo, list_names, panics};

use crate::sink::{Sink, locked};
use crate::workflow_error::unwound;

/// Answers a query. Whatever becomes of it, the workflow goes on as if there had been none.
pub(crate) fn answer(
    sink: &Sink,
    handlers: &Mutex<HashMap<String, QueryHandler>>,
    run: &RunInfo,
    query: &Job,
) -> Command {
    let Job::Query { id, name, input } = query else { unreachable!("it is one of the queries among the jobs") };
    let result = asked(sink, handlers, run, name, input).map_err(Arc::new);
    Command::QueryAnswer { id: *id, result }
}

fn asked(
    sink: &Sink,
    handlers: &Mutex<HashMap<String, QueryHandler>>,
    run: &RunInfo,
    name: &str,
    input: &Payload,
) -> Result<Payload, Failure> {
    // It is taken out, since it may set handlers itself.
    let Some(handler) = locked(handlers).remove(name) else {
        let mut known: Vec<String> = locked(handlers).keys().cloned().collect();
        known.sort();
        let (workflow, known) = (&run.workflow_type, list_names(known.iter().map(String::as_str)));
        let message = format!("workflow `{workflow}` answers no query `{name}`; the queries it answers now: {known}");
        return Err(Failure::application("QueryNotFound", message));
    };
    let (answer, asks) = sink.silenced(|| panics::catch(|| handler(input.as_bytes().to_vec())));
    locked(handlers).entry(name.to_owned()).or_insert(handler);
    match answer {
        Ok(_) if asks => {
            let message = format!("the handler of query `{name}` asks its context for something: a query only reads");
            Err(Failure::application("QueryMisuse", message))
        }
        Ok(answer) => Ok(Payload::limited(answer)),
        Err(how) => Err(Failure::application("Panic", unwound(how).to_string())),
    }
}
