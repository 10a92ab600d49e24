//! [`Workspace`]: packages on disk whose tests fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Situation;

/// A workspace below the target folder, where the next run of these tests finds what this one has built.
pub struct Workspace {
    folder: PathBuf,
}

/// The test of each package: its result says how many attempts it took.
const EXPLORED: &str = r#"
use std::time::Duration;

use durasim::{ActivityContext, ActivityError, ActivityOptions, Simulation, WorkflowContext, WorkflowError, check};

async fn count(ctx: &ActivityContext, (): ()) -> Result<u32, ActivityError> {
    durasim::time::sleep(Duration::from_secs(1)).await;
    Ok(ctx.get_info().attempt)
}

async fn counting(ctx: &WorkflowContext, (): ()) -> Result<u32, WorkflowError> {
    let options = ActivityOptions { start_to_close_timeout: Duration::from_secs(10), ..Default::default() };
    ctx.execute_activity("count", &(), options).await
}

#[test]
fn TEST() {
    let simulation = Simulation::temporal().activity("count", count).workflow("counting", counting);
    simulation.explore("counting", &())NAMED.every_fault().check(check::same_result()).assert();
}
"#;

impl Workspace {
    pub fn new(situations: &[Situation]) -> Workspace {
        let workspace = Workspace { folder: Path::new(env!("CARGO_TARGET_TMPDIR")).join("pasted_command") };
        let durasim = format!("durasim = {{ path = {:?} }}", env!("CARGO_MANIFEST_DIR"));
        workspace.write("Cargo.toml", "[workspace]\nmembers = [\"crates/cart\", \"tests\"]\nresolver = \"3\"\n");
        let package = |name: &str| format!("[package]\nname = {name:?}\nversion = \"0.0.0\"\nedition = \"2024\"\n");
        let cart = "[features]\nslow = []\n\n[[test]] # \"wide\"\nname = \"wide\"\nrequired-features = [\"slow\"]\n";
        let dependencies = format!("[dependencies]\n{durasim}\n");
        workspace.write("crates/cart/Cargo.toml", &format!("{}\n{dependencies}\n{cart}", package("my-cart")));
        workspace.write("tests/Cargo.toml", &format!("{}\n{dependencies}", package("till")));
        // The versions that are there, since nothing is to be fetched.
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock"), workspace.folder.join("Cargo.lock"))
            .unwrap();
        workspace.write("crates/cart/src/lib.rs", "#[cfg(test)]\nmod stock;\n");
        for Situation { file, test, named, .. } in situations {
            let name = test.rsplit("::").next().unwrap_or_default();
            let named = named.map_or(String::new(), |named| format!(".named({named:?})"));
            let before = match file {
                _ if file.ends_with("deep/main.rs") => "mod inner { mod down; }\n",
                _ => "",
            };
            let after = if file.contains("/bin/") || file.ends_with("src/main.rs") { "\nfn main() {}\n" } else { "" };
            let explored = EXPLORED.replace("TEST", name).replace("NAMED", &named);
            let explored =
                if after.is_empty() { explored } else { format!("#[cfg(test)]\nmod tests {{{explored}}}\n") };
            workspace.write(file, &format!("{before}{explored}{after}"));
        }
        workspace
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // A file that has not changed is not built again.
        if fs::read_to_string(&path).ok().as_deref() != Some(text) {
            fs::write(path, text).unwrap();
        }
    }

    /// The output of a command that a shell in the workspace is given. The command fails.
    pub fn shell(&self, command: &str) -> String {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(&self.folder);
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            let is_profile = name_text.starts_with("CARGO_PROFILE_") || name_text == "CARGO_HOME";
            let is_ours = ["CARGO", "NEXTEST", "RUST_TEST_", "DURASIM_", "RUSTC"]
                .iter()
                .any(|start| name_text.starts_with(start));
            if is_ours && !is_profile {
                shell.env_remove(&name);
            }
        }
        let target = self.folder.join("target");
        shell.env("CARGO_TARGET_DIR", target).env("CARGO_NET_OFFLINE", "true").env("CARGO_TERM_COLOR", "never");
        let output = shell.env("RUST_BACKTRACE", "0").output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success(), "{command}\n{text}");
        text
    }
}
