//! A spawned task that does not come back is named, as the code of an attempt is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use durasim::{ActivityContext, ActivityError};
use tokio::time;

use super::{millis, simulation};

#[test]
#[ignore = "another test runs it"]
fn loops() {
    let code = async |_: &ActivityContext, (): ()| -> Result<u64, ActivityError> {
        tokio::spawn(async {
            time::sleep(millis(10)).await;
            loop {
                std::thread::sleep(millis(1));
            }
        });
        time::sleep(millis(100)).await;
        Ok(1)
    };
    let _ = simulation(code).run("main", &());
}

/// A process that would never end by itself.
struct Lost(Child);

impl Drop for Lost {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("durasim")).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

#[test]
fn a_spawned_task_that_does_not_come_back_is_named_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let process = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "watchdog::loops"])
        .env("CARGO_TARGET_DIR", folder.path())
        .spawn()
        .unwrap();
    let _lost = Lost(process);
    let until = Instant::now() + Duration::from_secs(60);
    let said = loop {
        let texts = files(folder.path()).into_iter().filter_map(|file| fs::read_to_string(file).ok());
        if let Some(text) = texts.into_iter().find(|text| !text.is_empty()) {
            break text;
        }
        assert!(Instant::now() < until, "nothing was said");
        std::thread::sleep(millis(20));
    };
    assert!(said.contains("a task that an activity has spawned"), "{said}");
}
