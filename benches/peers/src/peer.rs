//! [`Peer`]: a simulator of time and tasks that knows no activities; and the activities that a user has to write for it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt;
use futures::channel::oneshot;

use durasim_benches::workload::{self, AttemptHost, Batch, Done, Job, Json, Raw, WorkflowHost, Workload};

const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(30);
const BACKOFF: Duration = Duration::from_secs(1);
const CRASH: Duration = Duration::from_millis(450);

/// The services that a host gives.
pub trait Peer: 'static {
    /// Ends a task at once, as the death of its process does.
    type Task: 'static;
    fn spawn(future: impl Future<Output = ()> + 'static) -> Self::Task;
    fn kill(task: Self::Task);
    fn sleep(length: Duration) -> impl Future<Output = ()>;
    /// The time since any fixed moment.
    fn now() -> Duration;
}

/// The facts that the service knows of an activity.
#[derive(Default)]
struct Record {
    details: RefCell<Option<Vec<u8>>>,
    last_heartbeat: Cell<Duration>,
}

struct Attempt<P> {
    record: Rc<Record>,
    number: u32,
    details: Option<Vec<u8>>,
    peer: std::marker::PhantomData<P>,
}

impl<P: Peer> AttemptHost for Attempt<P> {
    fn sleep(&self, length: Duration) -> impl Future<Output = ()> {
        P::sleep(length)
    }

    fn heartbeat(&self, details: &[u8]) {
        let mut known = self.record.details.borrow_mut();
        let known = known.get_or_insert_default();
        known.clear();
        known.extend_from_slice(details);
        self.record.last_heartbeat.set(P::now());
    }

    fn details(&self) -> Option<&[u8]> {
        self.details.as_deref()
    }

    fn attempt(&self) -> u32 {
        self.number
    }
}

/// The worker's attempts, which die with it.
struct Worker<P: Peer>(RefCell<Vec<P::Task>>);

struct Workflow<P: Peer> {
    worker: Rc<Worker<P>>,
    json: bool,
}

impl<P: Peer> WorkflowHost for Workflow<P> {
    type Error = std::convert::Infallible;

    fn chunks(&self, job: &Job) -> impl Future<Output = Result<Done, Self::Error>> {
        let json = self.json;
        let input = if json { serde_json::to_vec(job).expect("encodes") } else { Raw::job(job).to_vec() };
        let result = execute_activity(self.worker.clone(), json, input);
        async move {
            let bytes = result.await;
            Ok(if json { serde_json::from_slice(&bytes).expect("decodes") } else { Raw::read_done(&bytes) })
        }
    }
}

/// Attempts until one completes.
async fn execute_activity<P: Peer>(worker: Rc<Worker<P>>, json: bool, input: Vec<u8>) -> Vec<u8> {
    let record = Rc::new(Record::default());
    let mut backoff = BACKOFF;
    for number in 1.. {
        record.last_heartbeat.set(P::now());
        let details = record.details.borrow().clone();
        let host = Attempt { record: record.clone(), number, details, peer: std::marker::PhantomData::<P> };
        let (report, reported) = oneshot::channel();
        let input = input.clone();
        let task = P::spawn(async move {
            let ended = if json {
                let job = serde_json::from_slice(&input).expect("decodes");
                let done = workload::chunks::<Json>(&host, job).await;
                done.map(|done| serde_json::to_vec(&done).expect("encodes"))
            } else {
                let done = workload::chunks::<Raw>(&host, Raw::read_job(&input)).await;
                done.map(|done| done.chunks.to_le_bytes().to_vec())
            };
            let _ = report.send(ended);
        });
        worker.0.borrow_mut().push(task);
        let given_up = async {
            loop {
                let due = record.last_heartbeat.get() + HEARTBEAT_TIMEOUT;
                match due.checked_sub(P::now()).filter(|left| !left.is_zero()) {
                    Some(left) => P::sleep(left).await,
                    None => break,
                }
            }
        };
        // A worker that dies says nothing.
        let reported = reported.then(async |said| match said {
            Ok(said) => said,
            Err(_) => std::future::pending().await,
        });
        let ended = futures::select_biased! {
            ended = Box::pin(reported).fuse() => ended,
            () = Box::pin(given_up).fuse() => Err("heartbeat timeout"),
        };
        match ended {
            Ok(result) => return result,
            Err(_) => P::sleep(backoff).await,
        }
        backoff *= 2;
    }
    unreachable!("attempts have no last number")
}

/// Makes one run, and gives its result and the virtual time that it took.
pub async fn run<P: Peer>(workload: &Workload) -> (Vec<u8>, Duration) {
    let started = P::now();
    let json = workload.json;
    let worker: Rc<Worker<P>> = Rc::new(Worker(RefCell::new(Vec::new())));
    if workload.crash {
        let worker = worker.clone();
        P::spawn(async move {
            P::sleep(CRASH).await;
            for attempt in worker.0.take() {
                P::kill(attempt);
            }
        });
    }
    let input = if json { serde_json::to_vec(&workload.batch).expect("encodes") } else { Vec::new() };
    let batch: Batch = if json { serde_json::from_slice(&input).expect("decodes") } else { workload.batch.clone() };
    let Ok(done) = workload::batch(&Workflow::<P> { worker, json }, batch).await;
    let result = if json { serde_json::to_vec(&done).expect("encodes") } else { done.chunks.to_le_bytes().to_vec() };
    (result, P::now() - started)
}
