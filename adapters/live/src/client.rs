//! [`Client`]: calls of the server in JSON, by the description of its messages.

use std::rc::Rc;
use std::time::Duration;

use prost::Message as _;
use prost::bytes::{Buf as _, BufMut as _};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions, ServiceDescriptor};
use serde_json::Value;
use serde_json::value::Serializer;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

const DESCRIPTORS: &[u8] = include_bytes!(env!("TEMPORAL_DESCRIPTORS"));
/// The time after which a call is given up, a little more than that of a poll.
const LONGEST: Duration = Duration::from_secs(70);
const SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";

/// A client of one server, in the namespace that development servers have.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    service: Rc<ServiceDescriptor>,
}

/// The server's answer to a call that it did not carry out.
#[derive(Debug)]
pub struct Refusal {
    /// The name of the gRPC code, as the recordings spell it: `NOT_FOUND`.
    pub code: String,
    pub message: String,
}

impl Client {
    /// Connects with the server at an address such as `127.0.0.1:7233`.
    pub async fn connect(address: &str) -> Result<Client, String> {
        let pool = DescriptorPool::decode(DESCRIPTORS).map_err(|why| format!("the description of messages: {why}"))?;
        let service = pool.get_service_by_name(SERVICE).ok_or_else(|| format!("{SERVICE} is not described"))?;
        let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|why| format!("{address}: {why}"))?;
        let channel = endpoint.connect().await.map_err(|why| format!("no server answers at {address}: {why}"))?;
        Ok(Client { channel, service: Rc::new(service) })
    }

    /// Calls a method. The request is its message in the JSON of Protocol Buffers, without the namespace.
    pub async fn call(&self, method: &str, mut request: Value) -> Result<Value, Refusal> {
        request["namespace"] = "default".into();
        let described = self.service.methods().find(|described| described.name() == method);
        let described = described.unwrap_or_else(|| panic!("the service has no method {method}"));
        let text = request.to_string();
        let message = DynamicMessage::deserialize(described.input(), request)
            .unwrap_or_else(|why| panic!("no request of {method}: {why}: {text}"));
        let path = format!("/{SERVICE}/{method}");
        let path = PathAndQuery::try_from(path).expect("a path of letters");
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|why| Refusal { code: "UNAVAILABLE".to_owned(), message: why.to_string() })?;
        let mut request = Request::new(message);
        // The server refuses a poll without an end.
        request.set_timeout(LONGEST);
        let answer = grpc.unary(request, path, JsonCodec { answer: described.output() }).await;
        let answer = answer.map_err(|status| Refusal {
            code: screaming(&format!("{:?}", status.code())),
            message: status.message().to_owned(),
        })?;
        let options = SerializeOptions::new();
        Ok(answer.into_inner().serialize_with_options(Serializer, &options).expect("a message is JSON"))
    }
}

/// Turns `NotFound` into `NOT_FOUND`.
fn screaming(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

/// Encodes messages by their description.
struct JsonCodec {
    answer: MessageDescriptor,
}

impl Codec for JsonCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Messages;
    type Decoder = Messages;

    fn encoder(&mut self) -> Messages {
        Messages(self.answer.clone())
    }

    fn decoder(&mut self) -> Messages {
        Messages(self.answer.clone())
    }
}

struct Messages(MessageDescriptor);

impl Encoder for Messages {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&message.encode_to_vec());
        Ok(())
    }
}

impl Decoder for Messages {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        let message = DynamicMessage::decode(self.0.clone(), bytes);
        message.map(Some).map_err(|why| Status::internal(why.to_string()))
    }
}
