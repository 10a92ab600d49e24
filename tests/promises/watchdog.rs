//! User code that does not come back is named, with the plan that led there; and Ctrl-C says what it waits for.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Client, RetryPolicy, Run, Settings, Simulation, WorkflowContext,
    WorkflowError, check, time,
};

use crate::child::child;

/// Longer than any of these tests.
const FOR_EVER: Duration = Duration::from_secs(600);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Its activity crashes, and its second attempt then does this.
fn second_attempt(lost: impl Fn() + Send + Sync + 'static) -> Simulation {
    simulation(lost).plan("v1 seed=0 order=fifo; work#1@1:await1=crash".parse().unwrap())
}

/// Its activity sleeps for a second, and its second attempt then does this. Half a minute is two seconds here.
fn simulation(lost: impl Fn() + Send + Sync + 'static) -> Simulation {
    Simulation::temporal()
        .settings(Settings { patience: seconds(2), ..Default::default() })
        .activity("work", async move |ctx: &ActivityContext, number: u32| -> Result<u32, ActivityError> {
            time::sleep(seconds(1)).await;
            if ctx.get_info().attempt == 2 {
                lost();
            }
            Ok(number)
        })
        .workflow("main", async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
            let options = ActivityOptions {
                start_to_close_timeout: seconds(60),
                retry_policy: Some(RetryPolicy::default()),
                ..Default::default()
            };
            ctx.execute_activity("work", &number, options).await
        })
}

/// Each of these is run in a process of its own, which is ended when it has said what it has to say.
mod lost {
    use super::*;

    #[test]
    #[ignore = "another test runs it"]
    fn sleeps() {
        let _ = second_attempt(|| thread::sleep(FOR_EVER)).run("main", &1u32);
    }

    #[test]
    #[ignore = "another test runs it"]
    fn locks() {
        static LOCK: Mutex<()> = Mutex::new(());
        let _held = LOCK.lock().unwrap();
        simulation(|| drop(LOCK.lock()))
            .explore("main", &1u32)
            .every_fault()
            .check(check::same_result())
            .threads(2)
            .assert();
    }

    #[test]
    #[ignore = "another test runs it"]
    fn workflow() {
        let _ = second_attempt(|| ())
            .workflow("loops", async |_: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                while std::hint::black_box(number) > 0 {}
                Ok(number)
            })
            .drive(async |client: Client| client.start::<u32>("loops", "1", &1u32).await.unwrap().result().await);
    }

    #[test]
    #[ignore = "another test runs it"]
    fn state() {
        let blocks = || thread::sleep(FOR_EVER);
        let _ = second_attempt(|| ()).state(blocks).run("main", &1u32);
    }

    #[test]
    #[ignore = "another test runs it"]
    fn destructor() {
        struct Guard;
        impl Drop for Guard {
            fn drop(&mut self) {
                thread::sleep(FOR_EVER);
            }
        }
        let _ = second_attempt(|| ()).state(|| Guard).run("main", &1u32);
    }

    #[test]
    #[ignore = "another test runs it"]
    fn checks() {
        simulation(|| ())
            .explore("main", &1u32)
            .every_fault()
            .threads(1)
            .check(check::named("blocks", |run: &Run| {
                if !run.plan().is_empty() {
                    thread::sleep(FOR_EVER);
                }
            }))
            .assert();
    }

    #[test]
    #[ignore = "another test runs it"]
    fn comes_back() {
        // This is longer than a second, and shorter than the time after which stderr is told.
        let run = second_attempt(|| thread::sleep(Duration::from_millis(1_600))).run("main", &1u32);
        assert!(run.is_ok());
        // It waits until the watchdog has seen it.
        thread::sleep(seconds(1));
    }
}

/// A process that runs one of these modules.
struct Lost {
    process: Child,
    stderr: BufReader<ChildStderr>,
    folder: PathBuf,
}

impl Lost {
    fn start(name: &str) -> Lost {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("watchdog-{}-{name}", std::process::id()));
        let mut process = child(&format!("watchdog::lost::{name}"))
            .env("CARGO_TARGET_DIR", &folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        Lost { process, stderr, folder }
    }

    /// The next line that durasim says.
    fn says(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.stderr.read_line(&mut line).unwrap(), 0, "it ended without a word");
            if line.starts_with("durasim: ") {
                return line.trim_end().to_owned();
            }
        }
    }

    /// A file that stands in its folder, once there is one.
    fn notes(&self) -> String {
        let until = Instant::now() + seconds(60);
        loop {
            let files = self.files();
            if let [file, ..] = files.as_slice() {
                let text = std::fs::read_to_string(file).unwrap();
                if !text.is_empty() {
                    return text;
                }
            }
            assert!(Instant::now() < until, "there are {} files", files.len());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.folder.join("durasim")).into_iter().flatten();
        files.map(|file| file.unwrap().path()).collect()
    }

    fn send(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The signal by which it ended.
    fn ends_by(&mut self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt;
        self.process.wait().unwrap().signal()
    }
}

impl Drop for Lost {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const LOOPS: &str = "it loops without an await, or blocks its thread";
const PLAN: &str = "plan v1 seed=0 order=fifo; work#1@1:await1=crash";

#[test]
fn a_blocked_activity_is_named_in_a_file_and_on_stderr() {
    let mut lost = Lost::start("sleeps");
    let who = "test watchdog::lost::sleeps: activity work#1@2 has not come back from a poll";
    assert_eq!(lost.notes(), format!("{who} ({PLAN}): {LOOPS}\n"));
    assert_eq!(lost.says(), format!("durasim: {who} for 2 s ({PLAN}): {LOOPS}"));
    // Whoever kills it finds the file afterwards.
    lost.process.kill().unwrap();
    lost.process.wait().unwrap();
    assert_eq!(lost.files().len(), 1);
}

#[test]
fn code_that_comes_back_leaves_no_file() {
    let mut lost = Lost::start("comes_back");
    lost.notes();
    assert!(lost.process.wait().unwrap().success());
    assert_eq!(lost.files(), Vec::<PathBuf>::new());
    let mut told = String::new();
    lost.stderr.read_to_string(&mut told).unwrap();
    assert!(!told.contains("durasim: "), "{told}");
}

#[test]
fn every_piece_of_user_code_is_watched() {
    for (name, who) in [
        ("workflow", "workflow `loops` has not come back from a poll"),
        ("state", "the constructor of a state has not come back for"),
        ("destructor", "a destructor of what a run has left has not come back for"),
        ("checks", "a check has not come back for"),
    ] {
        let told = Lost::start(name).says();
        assert!(told.starts_with(&format!("durasim: test watchdog::lost::{name}: {who}")), "{told}");
    }
}

#[test]
fn ctrl_c_says_what_it_waits_for_and_a_second_one_ends_at_once() {
    for (signal, number) in [("-INT", 2), ("-TERM", 15)] {
        let mut lost = Lost::start("sleeps");
        lost.notes();
        lost.send(signal);
        let waits = format!("ending after the runs in progress (activity work#1@2, {PLAN}); again to end at once");
        assert_eq!(lost.says(), format!("durasim: {waits}"));
        assert_eq!(lost.process.try_wait().unwrap(), None);
        // While it says something, a signal ends it without a word.
        thread::sleep(Duration::from_millis(500));
        lost.send(signal);
        while !lost.says().contains("ended at once") {}
        assert_eq!(lost.ends_by(), Some(number));
    }
}

#[test]
fn a_run_that_ctrl_c_waits_for_is_the_last_one() {
    let mut lost = Lost::start("comes_back");
    lost.notes();
    lost.send("-INT");
    assert!(lost.says().contains("ending after the runs in progress"));
    assert_eq!(lost.ends_by(), Some(2));
}

#[test]
fn ctrl_c_names_the_runs_of_an_exploration() {
    let mut lost = Lost::start("locks");
    lost.notes();
    lost.send("-INT");
    let said = lost.says();
    assert!(said.contains("(activity work#1@2, ") && said.contains("plan v1 seed=0 order=fifo"), "{said}");
    // While it writes that line, a second signal ends it without a word, since the writing might not come to an end.
    thread::sleep(Duration::from_millis(300));
    lost.send("-INT");
    while lost.says() != "durasim: ended at once: a second signal has asked for it" {}
    assert_eq!(lost.ends_by(), Some(2));
}
