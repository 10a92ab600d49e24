//! Hands the description of Temporal's messages to the client.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let descriptors = std::env::var("DEP_TEMPORALIO_PROTOS_DESCRIPTOR_PATH").unwrap_or_default();
    println!("cargo::rustc-env=TEMPORAL_DESCRIPTORS={descriptors}");
}
