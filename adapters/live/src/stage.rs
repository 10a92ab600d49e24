//! [`Stage`]: one scenario on the server, with the notes about it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::client::{Client, Refusal};
use crate::translate::payloads;
use crate::words;

/// The registered name of all workflows.
pub const TYPE: &str = "Script";

/// The name of the player to the server.
pub const IDENTITY: &str = "live";

pub struct Stage {
    pub client: Client,
    pub definition: Value,
    /// The id of the workflow.
    pub workflow: String,
    /// The queues of workflow tasks and of activity tasks.
    pub queues: [String; 2],
    /// The time at which the workflow was started, in milliseconds since the Unix epoch.
    pub start: Cell<f64>,
    /// Says whether activity tasks are polled.
    pub polling: watch::Sender<bool>,
    /// The number of attempts whose scripts run.
    pub running: Cell<usize>,
    pub log: RefCell<Log>,
}

#[derive(Default)]
pub struct Log {
    pub attempts: Vec<Attempt>,
    pub client_calls: Vec<Value>,
    pub snapshots: Vec<Value>,
    /// The notes of the workflow's code about itself.
    pub trace: Vec<Value>,
    /// The newest token of each attempt, by the activity and the number.
    pub tokens: BTreeMap<(String, u64), Value>,
}

/// The notes about an attempt that a worker received.
pub struct Attempt {
    pub reference: String,
    pub notes: Value,
}

impl Stage {
    /// Starts the workflow of a scenario.
    pub async fn open(client: Client, workflow: String, definition: Value) -> Result<Stage, Refusal> {
        let queues = [format!("{workflow}-workflows"), format!("{workflow}-activities")];
        let request = json!({
            "workflowId": workflow,
            "workflowType": { "name": TYPE },
            "taskQueue": { "name": queues[0] },
            "input": payloads(&json!([definition["workflow"]["script"]])),
            "identity": IDENTITY,
            "requestId": workflow,
        });
        client.call("StartWorkflowExecution", request).await?;
        let stage = Stage {
            client,
            polling: watch::Sender::new(definition["poll"] != false),
            definition,
            workflow,
            queues,
            start: Cell::new(0.0),
            running: Cell::new(0),
            log: RefCell::default(),
        };
        let described = stage.describe().await?;
        let start = described["workflowExecutionInfo"]["startTime"].as_str().and_then(words::millis);
        stage.start.set(start.expect("a workflow has a start"));
        Ok(stage)
    }

    /// The milliseconds since the start of the workflow.
    pub fn now(&self) -> f64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock behind 1970");
        words::round(now.as_secs_f64() * 1000.0 - self.start.get())
    }

    pub async fn sleep_until(&self, at: f64) {
        let left = (at - self.now()) / 1000.0;
        if left > 0.0 {
            tokio::time::sleep(std::time::Duration::from_secs_f64(left)).await;
        }
    }

    pub fn execution(&self) -> Value {
        json!({ "workflowId": self.workflow })
    }

    pub async fn describe(&self) -> Result<Value, Refusal> {
        self.client.call("DescribeWorkflowExecution", json!({ "execution": self.execution() })).await
    }

    /// Notes the view that `DescribeWorkflowExecution` gives.
    pub async fn look(&self, label: &str) {
        let at = self.now();
        match self.describe().await {
            Ok(described) => {
                let mut snapshot = words::snapshot(&described, label);
                snapshot["at_ms"] = json!(at);
                self.log.borrow_mut().snapshots.push(snapshot);
            }
            Err(why) => eprintln!("{}: {label}: {}: {}", self.workflow, why.code, why.message),
        }
    }

    /// Makes a call, and notes in `note` its time and its answer.
    pub async fn call(&self, method: &str, request: Value, note: &mut Value) -> Result<Value, Refusal> {
        let at = self.now();
        let answer = self.client.call(method, request).await;
        note["at_ms"] = json!(at);
        note["took_ms"] = json!(words::round(self.now() - at));
        note["ok"] = json!(answer.is_ok());
        if let Err(refusal) = &answer {
            note["error"] = json!({ "code": refusal.code, "message": refusal.message });
        }
        answer
    }
}
