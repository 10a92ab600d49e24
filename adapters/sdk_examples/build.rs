//! Finds the example files that ship inside the published SDK, in cargo's copy of it, and makes a module of each. None is
//! copied.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The examples that run without local activities, updates, schedules and a client.
const EXAMPLES: [&str; 10] = [
    "activity_heartbeating",
    "cancellation",
    "child_workflows",
    "continue_as_new",
    "hello_world",
    "message_passing",
    "polling",
    "saga",
    "timer_examples",
    "updatable_timer",
];

fn main() -> Result<(), Box<dyn Error>> {
    let sdk = folder_of("temporalio-sdk")?;
    // The examples print what they do, and some thousand runs of it are no table.
    let mut modules = String::from(
        "macro_rules! println { ($($text:tt)*) => {{ let _ = format!($($text)*); }} }\n\
         macro_rules! eprintln { ($($text:tt)*) => {{ let _ = format!($($text)*); }} }\n",
    );
    for example in EXAMPLES {
        let file = sdk.join("examples").join(example).join("workflows.rs");
        if !file.is_file() {
            return Err(format!("the SDK has no {}", file.display()).into());
        }
        modules.push_str(&format!(
            "#[allow(warnings, clippy::all, missing_docs, missing_debug_implementations, rust_2018_idioms)]\n\
             #[path = {file:?}]\npub mod {example};\n"
        ));
    }
    let out = PathBuf::from(env::var("OUT_DIR")?).join("sdk_examples.rs");
    fs::write(out, modules)?;
    Ok(())
}

/// Gives the folder of a package, as cargo resolves it for this one.
fn folder_of(package: &str) -> Result<PathBuf, Box<dyn Error>> {
    let metadata = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version", "1", "--offline", "--manifest-path"])
        .arg(Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml"))
        .output()?;
    if !metadata.status.success() {
        return Err(String::from_utf8_lossy(&metadata.stderr).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout)?;
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let found = packages.find(|found| found["name"] == package).ok_or(format!("cargo knows no package {package}"))?;
    let manifest = found["manifest_path"].as_str().ok_or("a package without a manifest")?;
    Ok(Path::new(manifest).parent().ok_or("a manifest in no folder")?.to_owned())
}
