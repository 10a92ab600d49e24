use durasim::{Simulation, check};
use durasim_temporal::{SimulationExt, connect};
use futures::future::BoxFuture;

use crate::backup::{Backup, Bucket, NightlyBackup};
use crate::starter::back_up;

struct AnyBucket;

impl Bucket for AnyBucket {
    fn put(&self, _file: u32) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

#[test]
fn the_starter_gets_the_number_of_files() {
    Simulation::temporal()
        .sdk_activity(Backup::copy_files, || Backup { bucket: Box::new(AnyBucket) })
        .sdk_workflow::<NightlyBackup>()
        .explore_script(async |client| back_up(&connect(&client), 7).await.map_err(|error| error.to_string()))
        .every_fault()
        .check(check::same_result())
        .assert();
}
