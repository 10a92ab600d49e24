//! Tests that run in a process of their own: this very binary, as `cargo test` starts it.

use std::process::Command;

/// Runs one ignored test, named by its path. Nothing of the caller's environment asks its exploration for other runs, and the
/// runner is cargo's, whoever runs the caller.
pub fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.args(["--ignored", "--exact", test]).env_remove("NEXTEST").env("RUST_BACKTRACE", "0");
    for variable in durasim::explore::VARIABLES {
        command.env_remove(variable.name);
    }
    command
}
