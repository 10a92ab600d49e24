//! Finds the example files that ship inside the published SDK, in cargo's copy of it, and makes a module of each. None is
//! copied.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The examples without schedules and interceptors of activities.
const EXAMPLES: [&str; 12] = [
    "activity_heartbeating",
    "cancellation",
    "child_workflows",
    "continue_as_new",
    "hello_world",
    "local_activities",
    "message_passing",
    "polling",
    "saga",
    "search_attributes",
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
    let out = PathBuf::from(env::var("OUT_DIR")?);
    modules.push_str(&workflow_context(&sdk, &out)?);
    fs::write(out.join("sdk_examples.rs"), modules)?;
    Ok(())
}

/// Makes a module of the example that is a single file, in which all is private: what explores it is a module within.
fn workflow_context(sdk: &Path, out: &Path) -> Result<String, Box<dyn Error>> {
    let example = fs::read_to_string(sdk.join("examples/workflow_context.rs"))?;
    let exploration = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("src/workflow_context.rs");
    let file = out.join("workflow_context.rs");
    fs::write(&file, format!("{example}\n#[path = {exploration:?}]\npub mod exploration;\n"))?;
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/workflow_context.rs");
    Ok(format!(
        "#[allow(warnings, clippy::all, missing_docs, missing_debug_implementations, rust_2018_idioms)]\n\
         #[path = {file:?}]\npub mod workflow_context;\n"
    ))
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
