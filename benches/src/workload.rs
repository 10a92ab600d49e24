//! [`Workload`]: the code that is run, written once for both hosts: the activity and workflow code know only these
//! traits.

use std::time::Duration;

use futures::future::join_all;
use serde::{Deserialize, Serialize};

/// The work that the activity is to do.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Job {
    pub chunks: u32,
    /// A heartbeat after so many chunks, and after the last one.
    pub heartbeat_every: u32,
    /// The second attempt fails after this chunk. Zero means that it does not fail.
    pub fails_at: u32,
}

/// The work that the workflow is to do: so many activities at once.
#[derive(Clone, PartialEq, Serialize, Deserialize, Debug)]
pub struct Batch {
    pub activities: u32,
    pub job: Job,
}

/// The details that heartbeats carry.
#[derive(Default, Serialize, Deserialize, Debug)]
pub struct Progress {
    pub chunks_done: u32,
}

/// The result that the activity gives.
#[derive(PartialEq, Serialize, Deserialize, Debug)]
pub struct Done {
    pub chunks: u32,
}

/// The way in which values become bytes.
pub trait Codec: 'static {
    fn progress<R>(progress: &Progress, send: impl FnOnce(&[u8]) -> R) -> R;
    fn read_progress(bytes: &[u8]) -> Progress;
}

/// Values as JSON, whose cost is part of the run.
pub struct Json;

impl Codec for Json {
    fn progress<R>(progress: &Progress, send: impl FnOnce(&[u8]) -> R) -> R {
        send(&serde_json::to_vec(progress).expect("encodes"))
    }

    fn read_progress(bytes: &[u8]) -> Progress {
        serde_json::from_slice(bytes).expect("decodes")
    }
}

/// Values as bytes at fixed places: the rest is the host's cost.
pub struct Raw;

impl Codec for Raw {
    fn progress<R>(progress: &Progress, send: impl FnOnce(&[u8]) -> R) -> R {
        send(&progress.chunks_done.to_le_bytes())
    }

    fn read_progress(bytes: &[u8]) -> Progress {
        Progress { chunks_done: number(bytes, 0) }
    }
}

impl Raw {
    pub fn job(job: &Job) -> [u8; 12] {
        let mut bytes = [0; 12];
        for (place, n) in bytes.chunks_exact_mut(4).zip([job.chunks, job.heartbeat_every, job.fails_at]) {
            place.copy_from_slice(&n.to_le_bytes());
        }
        bytes
    }

    pub fn read_job(bytes: &[u8]) -> Job {
        Job { chunks: number(bytes, 0), heartbeat_every: number(bytes, 1), fails_at: number(bytes, 2) }
    }

    pub fn read_done(bytes: &[u8]) -> Done {
        Done { chunks: number(bytes, 0) }
    }
}

fn number(bytes: &[u8], place: usize) -> u32 {
    u32::from_le_bytes(bytes[4 * place..4 * place + 4].try_into().expect("four bytes"))
}

/// The services that an attempt needs of its host.
pub trait AttemptHost {
    fn sleep(&self, length: Duration) -> impl Future<Output = ()>;
    fn heartbeat(&self, details: &[u8]);
    fn details(&self) -> Option<&[u8]>;
    fn attempt(&self) -> u32;
}

/// The services that a workflow needs of its host.
pub trait WorkflowHost {
    type Error;
    fn chunks(&self, job: &Job) -> impl Future<Output = Result<Done, Self::Error>>;
}

/// The activity.
pub async fn chunks<C: Codec>(host: &impl AttemptHost, job: Job) -> Result<Done, &'static str> {
    let mut progress = host.details().map_or_else(Progress::default, C::read_progress);
    while progress.chunks_done < job.chunks {
        host.sleep(Duration::from_millis(100)).await;
        progress.chunks_done += 1;
        let done = progress.chunks_done;
        if done == job.fails_at && host.attempt() == 2 {
            return Err("disk full");
        }
        if done.is_multiple_of(job.heartbeat_every) || done == job.chunks {
            C::progress(&progress, |bytes| host.heartbeat(bytes));
        }
    }
    Ok(Done { chunks: progress.chunks_done })
}

/// The workflow.
pub async fn batch<H: WorkflowHost>(host: &H, batch: Batch) -> Result<Done, H::Error> {
    if batch.activities == 1 {
        return host.chunks(&batch.job).await;
    }
    let all = join_all((0..batch.activities).map(|_| host.chunks(&batch.job))).await;
    let mut chunks = 0;
    for done in all {
        chunks += done?.chunks;
    }
    Ok(Done { chunks })
}

/// One of the workloads of the design's "Numbers".
#[derive(Clone)]
pub struct Workload {
    pub name: &'static str,
    pub batch: Batch,
    pub json: bool,
    /// The worker dies in the middle of the fifth chunk.
    pub crash: bool,
    pub schedule_to_close: Duration,
    /// The virtual time it has to end at.
    pub ends: Duration,
}

impl Workload {
    /// `activities` at once, each: ten chunks of 100 ms, a heartbeat every third, the worker's death, a heartbeat timeout,
    /// a failure, success.
    pub fn crashing(name: &'static str, activities: u32) -> Workload {
        Workload {
            name,
            batch: Batch { activities, job: Job { chunks: 10, heartbeat_every: 3, fails_at: 7 } },
            json: true,
            crash: true,
            schedule_to_close: Duration::from_secs(300),
            ends: Duration::from_millis(34_100),
        }
    }

    /// The same with bytes instead of JSON.
    pub fn without_json(self, name: &'static str) -> Workload {
        Workload { name, json: false, ..self }
    }

    /// One activity of so many chunks of 100 ms, with a heartbeat each.
    pub fn long(name: &'static str, chunks: u32) -> Workload {
        Workload {
            name,
            batch: Batch { activities: 1, job: Job { chunks, heartbeat_every: 1, fails_at: 0 } },
            json: true,
            crash: false,
            schedule_to_close: Duration::from_secs(100_000),
            ends: Duration::from_millis(100) * chunks,
        }
    }

    pub fn result(&self) -> Done {
        Done { chunks: self.batch.activities * self.batch.job.chunks }
    }
}
