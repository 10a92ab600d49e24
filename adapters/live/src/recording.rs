//! The words of the recordings, which the conformance test shares. It uses the parts that are of no use here.
#![expect(dead_code, reason = "the conformance test uses the rest")]

#[path = "../../../tests/conformance/recording/chain.rs"]
pub mod chain;
#[path = "../../../tests/conformance/recording/history.rs"]
pub mod history;
#[path = "../../../tests/conformance/recording/wire.rs"]
pub mod wire;
