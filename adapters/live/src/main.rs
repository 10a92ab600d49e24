//! Plays scenarios that a seed draws on a real Temporal server, and writes what it did in the form of the recordings, for the
//! conformance test to compare: see `scripts/live.sh`, which starts the server and calls this.

mod attempt;
mod client;
mod draw;
mod options;
mod play;
mod recording;
#[allow(dead_code, reason = "the conformance test registers scripts with simulations, too")]
#[path = "../../../tests/conformance/script/mod.rs"]
mod script;
mod stage;
#[expect(dead_code, reason = "the conformance test uses the rest")]
#[path = "../../../tests/conformance/histories/translate.rs"]
mod translate;
mod words;
mod workflow;

use std::process::ExitCode;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use client::Client;
use options::Options;
use play::play;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    match LocalSet::new().block_on(&runtime, record(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Plays all scenarios that the options ask for, and writes a file for each.
async fn record(options: Options) -> Result<(), String> {
    let client = Client::connect(&options.address).await?;
    std::fs::create_dir_all(&options.folder).map_err(|why| format!("{}: {why}", options.folder.display()))?;
    let places = Rc::new(Semaphore::new(options.at_once));
    // Ids of workflows are new each time.
    let session = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let mut plays = JoinSet::new();
    for number in 0..options.count {
        let drawn = draw::draw(options.seed, number);
        if !options.only.is_empty() && !options.only.contains(&drawn.name) {
            continue;
        }
        let (client, places, folder) = (client.clone(), Rc::clone(&places), options.folder.clone());
        plays.spawn_local(async move {
            let _place = places.acquire().await.expect("never closed");
            let recording = play(client, &drawn, format!("{}-{session}", drawn.name)).await;
            let recording = recording.map_err(|why| format!("{}: {}: {}", drawn.name, why.code, why.message))?;
            let file = folder.join(format!("{}.json", drawn.name));
            std::fs::write(&file, recording.to_string()).map_err(|why| format!("{}: {why}", file.display()))?;
            Ok::<_, String>(drawn)
        });
    }
    let mut index = Vec::new();
    while let Some(played) = plays.join_next().await {
        let drawn = played.map_err(|why| why.to_string())??;
        index.push(json!({ "name": drawn.name, "group": drawn.group, "stable": true }));
    }
    index.sort_by_key(|entry| entry["name"].to_string());
    let file = options.folder.join("index.json");
    std::fs::write(&file, json!(index).to_string()).map_err(|why| format!("{}: {why}", file.display()))?;
    println!("{} recordings in {}", index.len(), options.folder.display());
    Ok(())
}
