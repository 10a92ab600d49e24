use futures::future::BoxFuture;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions};
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use url::Url;

use crate::backup::{Backup, Bucket, NightlyBackup};

struct ObjectStore {
    // .. a client of the store ..
}

impl Bucket for ObjectStore {
    fn put(&self, file: u32) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(async move {
            let _ = file; // .. an upload ..
            Ok(())
        })
    }
}

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = Runtime::from_current_tokio(Default::default())?;
    let server = ConnectionOptions::new(Url::parse("http://localhost:7233")?).build();
    let connection = Connection::connect(server).await?;
    let client = Client::new(connection, ClientOptions::new("default").build())?;
    let options = WorkerOptions::new("backups")
        .register_workflow::<NightlyBackup>()?
        .register_activities(Backup { bucket: Box::new(ObjectStore {}) })
        .build();
    Worker::new(&runtime, client, options)?.run().await?;
    Ok(())
}
