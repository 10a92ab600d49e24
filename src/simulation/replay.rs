//! Histories that were recorded elsewhere, replayed against the code of a simulation.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Simulation;
use crate::explore::variables::refuse_unknown;
use crate::history::{self, HistoryProblem};
use crate::service::Dialect;
use crate::world::RunError;
use crate::world::recorded::Unlike;
use crate::world::start::{Origin, Start};

/// A history that the code of today goes along with.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ReplayedHistory {
    /// The id of the workflow. Services before 1.25 do not write it: then it is the type.
    pub workflow_id: String,
    /// The type of the workflow.
    pub workflow_type: String,
    /// The number of events in the history.
    pub events: usize,
    /// The number of workflow tasks whose answers were compared with those of the code: one at least.
    pub tasks: u32,
}

/// The reason why a history is refused. Both of its texts are for people, so that `unwrap` shows it well.
#[derive(Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The text is no history that could be replayed.
    #[error(transparent)]
    History(#[from] HistoryProblem),
    /// The simulation has a mistake.
    #[error(transparent)]
    Setup(RunError),
    /// The history is of a workflow that the simulation does not have.
    #[error(
        "the history is of workflow type `{workflow_type}` (id `{workflow_id}`), which is not registered (registered: {known}): \
         add it to the simulation under that name"
    )]
    OtherType {
        /// The type of the history's workflow.
        workflow_type: String,
        /// The id of the history's workflow.
        workflow_id: String,
        /// The registered types.
        known: String,
    },
    /// The history shows nothing: no worker has answered a workflow task.
    #[error(
        "the history of workflow `{workflow_id}` ({workflow_type}) shows nothing: none of its workflow tasks was answered yet, so \
         there is no command to compare. Fetch it later"
    )]
    NothingAnswered {
        /// The type of the history's workflow.
        workflow_type: String,
        /// The id of the history's workflow.
        workflow_id: String,
    },
    /// The code asks for something else than it did when the history was written.
    #[error(
        "workflow `{workflow_id}` ({workflow_type}) is not deterministic: at event {event_id} ({event_type}) the code {difference}{}",
        asked_by(place.as_deref())
    )]
    Differs {
        /// The type of the history's workflow.
        workflow_type: String,
        /// The id of the history's workflow.
        workflow_id: String,
        /// The id of the event that a command should have brought about. If there is none, it is that of the task's answer.
        event_id: u64,
        /// The type of the event: `TIMER_STARTED`.
        event_type: &'static str,
        /// The command of the code, and what the history has instead: `asks to start timer 1 where the history has ..`.
        difference: String,
        /// The call in the code that asks for the command, with its line, if it is known.
        place: Option<Box<str>>,
    },
    /// The code cannot go on: it panics, or breaks a rule.
    #[error(
        "workflow `{workflow_id}` ({workflow_type}) fails its task at event {event_id} ({event_type}): {why}{}",
        last_step(place.as_deref())
    )]
    Fails {
        /// The type of the history's workflow.
        workflow_type: String,
        /// The id of the history's workflow.
        workflow_id: String,
        /// The id of the event that answered the task; that of the start for a task that has no answer.
        event_id: u64,
        /// The type of the event: `WORKFLOW_TASK_COMPLETED`.
        event_type: &'static str,
        /// The reason in words.
        why: String,
        /// The last step of the code, with its line, if it is known.
        place: Option<Box<str>>,
    },
}

/// Writes the text for people.
impl fmt::Debug for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn asked_by(place: Option<&str>) -> String {
    place.map(|place| format!("; it is asked for by {place}")).unwrap_or_default()
}

fn last_step(place: Option<&str>) -> String {
    place.map(|place| format!("; {place}")).unwrap_or_default()
}

/// The reason why a folder of histories is refused. Both of its texts are for people, so that `unwrap` shows it well.
#[derive(Error)]
#[non_exhaustive]
pub enum ReplaysError {
    /// The folder is not there, or cannot be read.
    #[error("the folder of histories {} cannot be read: {why}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The reason.
        why: io::Error,
    },
    /// The folder has no history.
    #[error(
        "the folder {} has no history: put the JSON of `temporal workflow show --workflow-id ID --output json` there, in files whose \
         names end in `.json`",
        folder.display()
    )]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
    /// The code goes another way than some of the histories.
    #[error("{} of {replayed} histories are refused:{}", refused.len(), one_per_line(refused))]
    Refused {
        /// The number of histories in the folder.
        replayed: usize,
        /// The files that are refused, in the order of their names.
        refused: Vec<(PathBuf, ReplayFileError)>,
    },
}

/// The reason why a file with a history is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplayFileError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    File(#[from] io::Error),
    /// Its history is refused.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// Writes the text for people.
impl fmt::Debug for ReplaysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn one_per_line(refused: &[(PathBuf, ReplayFileError)]) -> String {
    refused.iter().map(|(file, why)| format!("\n  {}: {why}", file.display())).collect()
}

impl Simulation {
    /// Replays a history that a service has recorded against the code of its workflow, as a worker would that takes it over: the
    /// code gets the news of each workflow task, and must answer with the commands that the history has.
    ///
    /// `json` is the history as `temporal workflow show --workflow-id ID --output json` writes it, or the download of the web
    /// interface: JSON of Protocol Buffers, in its newer spelling (`EVENT_TYPE_TIMER_STARTED`) or its older one
    /// (`TimerStarted`). The history of a workflow that still runs is compared as far as it goes. Kind, number, id and type of each
    /// command are compared; arguments and options are not, as the SDKs do not.
    ///
    /// Workflows need to be registered, under the types that they have in production; activities and workers do not.
    ///
    /// # Errors
    /// The error is [`ReplayError`]: the first difference, with its event, the command of the code and the line of that; or the
    /// reason why the text is no history that could be replayed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{Simulation, WorkflowContext, WorkflowError};
    ///
    /// async fn nap(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    ///     ctx.sleep(Duration::from_secs(60)).await
    /// }
    ///
    /// async fn no_nap(_ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    ///     Ok(())
    /// }
    ///
    /// let recorded = Simulation::temporal().workflow("nap", nap).run("nap", &())?.history_json("nap")?;
    ///
    /// let replayed = Simulation::temporal().workflow("nap", nap).replay_history(&recorded)?;
    /// assert_eq!(replayed.tasks, 2);
    ///
    /// let refused = Simulation::temporal().workflow("nap", no_nap).replay_history(&recorded).unwrap_err();
    /// let why = "the code asks to complete the workflow where the history has timer 1 started";
    /// assert!(refused.to_string().contains(why), "{refused}");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn replay_history(&self, json: &str) -> Result<ReplayedHistory, ReplayError> {
        refuse_unknown().map_err(ReplayError::Setup)?;
        let setup = self.setup();
        if setup.dialect() != Dialect::Temporal {
            let why = "a history in Temporal's JSON is replayed by `Simulation::temporal()`, whose rules it follows"
                .to_owned();
            return Err(ReplayError::Setup(RunError::Setup(why)));
        }
        self.check_length(json.len() as u64)?;
        let recorded = history::read(json, &|workflow_type| setup.has_envelopes(workflow_type))?;
        let events = recorded.events.len();
        let workflow_type = recorded.info.workflow_type.to_string();
        let workflow_id = recorded.info.workflow_id.to_string();
        let type_of = |id: u64| {
            let index = (id as usize).checked_sub(1);
            index.and_then(|index| recorded.types.get(index)).copied().unwrap_or_default()
        };
        let start = Start::new(setup, Origin::Driven);
        match start.replay(&recorded.info, &recorded.input, recorded.events) {
            Ok(tasks) => Ok(ReplayedHistory { workflow_id, workflow_type, events, tasks }),
            Err(Unlike::Setup(mistake)) => Err(ReplayError::Setup(mistake)),
            Err(Unlike::NotRegistered { known }) => Err(ReplayError::OtherType { workflow_type, workflow_id, known }),
            Err(Unlike::NothingAnswered) => Err(ReplayError::NothingAnswered { workflow_type, workflow_id }),
            Err(Unlike::Differs { event, words, place }) => Err(ReplayError::Differs {
                workflow_type,
                workflow_id,
                event_id: event,
                event_type: type_of(event),
                difference: words,
                place: place.map(String::into_boxed_str),
            }),
            Err(Unlike::Fails { event, words, place }) => Err(ReplayError::Fails {
                workflow_type,
                workflow_id,
                event_id: event,
                event_type: type_of(event),
                why: words,
                place: place.map(String::into_boxed_str),
            }),
        }
    }

    /// Replays each history of a folder: one line of test for all that were fetched from production. They are the files whose
    /// names end in `.json`, in the order of their names, each as [`replay_history`](Simulation::replay_history) takes it. A path
    /// that is not absolute begins where the test runs, which for `cargo test` is the folder of the package. All files are looked
    /// at, also behind one that is refused.
    ///
    /// # Errors
    /// The error is [`ReplaysError`]: it names each file that is refused, with the reason, or says that there is no history.
    ///
    /// ```no_run
    /// # use durasim::{Simulation, WorkflowContext, WorkflowError};
    /// # async fn order(_ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> { Ok(()) }
    /// #[test]
    /// fn workflows_in_production_go_on() {
    ///     Simulation::temporal().workflow("order", order).replay_histories("tests/histories").unwrap();
    /// }
    /// ```
    pub fn replay_histories(&self, folder: impl AsRef<Path>) -> Result<Vec<ReplayedHistory>, ReplaysError> {
        let folder = folder.as_ref();
        let unreadable = |why| ReplaysError::Folder { folder: folder.to_owned(), why };
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let file = entry.map_err(unreadable)?.path();
            if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) && file.is_file() {
                files.push(file);
            }
        }
        if files.is_empty() {
            return Err(ReplaysError::Empty { folder: folder.to_owned() });
        }
        files.sort();
        let (mut replayed, mut refused) = (Vec::new(), Vec::new());
        let looked_at = files.len();
        for file in files {
            match self.replay_file(&file) {
                Ok(history) => replayed.push(history),
                Err(why) => refused.push((file, why)),
            }
        }
        if refused.is_empty() { Ok(replayed) } else { Err(ReplaysError::Refused { replayed: looked_at, refused }) }
    }

    fn replay_file(&self, file: &Path) -> Result<ReplayedHistory, ReplayFileError> {
        self.check_length(fs::metadata(file)?.len())?;
        let bytes = fs::read(file)?;
        let text = String::from_utf8(bytes).map_err(|why| {
            ReplayError::from(HistoryProblem::NotJson { why: format!("it is not UTF-8: {}", why.utf8_error()) })
        })?;
        Ok(self.replay_history(&text)?)
    }

    /// Refuses a text that is longer than the history of a workflow that the service lets run.
    fn check_length(&self, bytes: u64) -> Result<(), ReplayError> {
        let limits = self.setup().limits_of_histories();
        if limits.events == 0 || limits.bytes == 0 {
            return Ok(());
        }
        // Base64 makes four letters of three bytes, and an event of a few bytes has two thousand of names and times.
        let limit = (limits.bytes / 3 * 4).saturating_add(limits.events.saturating_mul(2048));
        if bytes > limit { Err(HistoryProblem::TooLarge { bytes, limit }.into()) } else { Ok(()) }
    }
}
