//! [`Settings`]: the values that a simulation keeps for its SDK code.

use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use durasim::program::Extensions;
use temporalio_client::Client;
use temporalio_common::data_converters::{
    ActivitySerializationContext, DataConverter, SerializationContextData, WorkflowSerializationContext,
};
use temporalio_workflow::workflow_interceptors::WorkflowInterceptorConstructor;

use crate::activity::details::HeartbeatTypes;
use crate::client;
use crate::payload::with_encoding;
use crate::sdk::ProtoPayload;

/// The values that a simulation keeps for its SDK code.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) converter: DataConverter,
    /// The client of scripts and activities, with that converter.
    pub(crate) client: Client,
    pub(crate) heartbeat_types: HeartbeatTypes,
    pub(crate) interceptors: Vec<WorkflowInterceptorConstructor>,
    /// Says whether the simulation has tokio already.
    pub(crate) has_tokio: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        let converter = DataConverter::default();
        Settings {
            client: client::client(&converter),
            converter,
            heartbeat_types: HeartbeatTypes::default(),
            interceptors: Vec::new(),
            has_tokio: false,
        }
    }
}

/// The settings of a simulation in which nothing was set.
static NOTHING_SET: LazyLock<Settings> = LazyLock::new(Settings::default);

impl Settings {
    /// Gives the settings of a simulation.
    pub(crate) fn of(extensions: &Extensions) -> &Settings {
        extensions.get().unwrap_or(&NOTHING_SET)
    }
}

/// The length of the largest payload that a codec is tried with: codecs that compress leave small ones as they are.
const LARGE: usize = 1 << 20;

/// Says whether a converter has a codec that leaves payloads as they are, such as the default one. It is tried with small and
/// large ones, with text, bytes and nothing, of workflows, of activities and of neither.
pub(crate) fn keeps_payloads(converter: &DataConverter) -> bool {
    let large = [b"\"durasim", vec![b' '; LARGE].as_slice(), b"\""].concat();
    let payloads = [
        with_encoding("json/plain", b"\"durasim\"".to_vec()),
        with_encoding("json/plain", large),
        with_encoding("binary/plain", (0..=u8::MAX).collect()),
        with_encoding("binary/null", Vec::new()),
    ];
    let contexts = [
        SerializationContextData::None,
        SerializationContextData::Workflow(WorkflowSerializationContext::new()),
        SerializationContextData::Activity(ActivitySerializationContext::new()),
    ];
    contexts.iter().all(|context| payloads.iter().all(|payload| keeps_payload(converter, context, payload)))
}

fn keeps_payload(converter: &DataConverter, context: &SerializationContextData, payload: &ProtoPayload) -> bool {
    let encoding = converter.codec().encode(context, vec![payload.clone()]);
    match pin!(encoding).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(encoded)) => encoded == [payload.clone()],
        Poll::Ready(Err(_)) | Poll::Pending => false,
    }
}
