//! Refusals of the service, as gRPC carries them.

use durasim::service::{Code as CoreCode, Refused};
use prost::Message;
use temporalio_client::tonic::{Code, Status};

use crate::sdk::{RpcStatus, errordetails, pack_any};

/// Gives a refusal of the simulated service.
pub(super) fn of_refused(refused: &Refused) -> Status {
    match refused.code {
        CoreCode::NotFound => not_found(refused.message.clone()),
        CoreCode::AlreadyExists => Status::already_exists(refused.message.clone()),
        _ => Status::invalid_argument(refused.message.clone()),
    }
}

/// There is no such workflow.
pub(super) fn not_found(message: impl Into<String>) -> Status {
    with_detail(Code::NotFound, message.into(), "NotFoundFailure", &errordetails::NotFoundFailure::default())
}

/// Makes a status with a detail of this name, from which the client makes its error.
pub(super) fn with_detail(code: Code, message: String, name: &str, detail: &impl Message) -> Status {
    let detail = pack_any(format!("type.googleapis.com/temporal.api.errordetails.v1.{name}"), detail);
    let details = vec![detail.expect("a vector grows")];
    let status = RpcStatus { code: code as i32, message: message.clone(), details };
    Status::with_details(code, message, status.encode_to_vec().into())
}
