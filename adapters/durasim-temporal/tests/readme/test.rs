use std::time::Duration;

use durasim::{Ledger, Simulation};
use durasim_temporal::SimulationExt;
use futures::future::BoxFuture;

use crate::backup::{Backup, Bucket, NightlyBackup};

#[derive(Default)]
struct Files(Ledger<u32>); // the world outside: made for each run, not lost by crashes

struct FakeBucket;

impl Bucket for FakeBucket {
    fn put(&self, file: u32) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(5)).await; // in virtual time
            let files = durasim::handle::<Files>();
            Ok(durasim::effect("put", || files.with(|files| files.0.record(file)))?)
        })
    }
}

#[test]
fn resumes_from_every_crash() {
    Simulation::temporal()
        .state(Files::default)
        .sdk_activity(Backup::copy_files, || Backup { bucket: Box::new(FakeBucket) })
        .sdk_workflow::<NightlyBackup>()
        .explore("NightlyBackup", &10)
        .every_fault()
        .seeds(0..1_000)
        .assert(); // by the standard checks, which need no specification
}
