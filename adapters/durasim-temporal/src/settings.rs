//! [`Settings`]: the values that a simulation keeps for its SDK code.

use std::future::Future;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use durasim::program::Extensions;
use temporalio_common::data_converters::{DataConverter, SerializationContextData};
use temporalio_workflow::workflow_interceptors::WorkflowInterceptorConstructor;

use crate::activity::details::HeartbeatTypes;
use crate::payload::with_encoding;

/// The values that a simulation keeps for its SDK code.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) converter: DataConverter,
    pub(crate) heartbeat_types: HeartbeatTypes,
    pub(crate) interceptors: Vec<WorkflowInterceptorConstructor>,
    /// Says whether the simulation has tokio already.
    pub(crate) has_tokio: bool,
}

/// The settings of a simulation in which nothing was set.
static NOTHING_SET: LazyLock<Settings> = LazyLock::new(Settings::default);

impl Settings {
    /// Gives the settings of a simulation.
    pub(crate) fn of(extensions: &Extensions) -> &Settings {
        extensions.get().unwrap_or(&NOTHING_SET)
    }
}

/// Says whether a converter has a codec that leaves payloads as they are, such as the default one.
pub(crate) fn keeps_payloads(converter: &DataConverter) -> bool {
    let given = vec![with_encoding("json/plain", b"\"durasim\"".to_vec())];
    let encoding = converter.codec().encode(&SerializationContextData::None, given.clone());
    match pin!(encoding).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(encoded)) => encoded == given,
        Poll::Ready(Err(_)) | Poll::Pending => false,
    }
}
