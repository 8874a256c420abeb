//! The protocol itself, as far as tools and pages need it: JSON-RPC messages in, answers out. Nothing
//! is remembered between messages, so any of them may come over any connection.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::tools::{self, TOOLS};
use super::{Source, fit, questions, texts};

/// Versions that are spoken, the newest first. What is answered is the same in all of them.
pub(super) const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

const PARSE: i64 = -32700;
const INVALID: i64 = -32600;
const NO_METHOD: i64 = -32601;
const WRONG_PARAMETERS: i64 = -32602;
const NO_RESOURCE: i64 = -32002;

struct Refusal(i64, String);

type Answered = Result<Value, Refusal>;

/// What came, read; or what is to be answered to something that cannot be read.
pub(super) fn read(text: &[u8]) -> Result<Value, Value> {
    serde_json::from_slice(text)
        .map_err(|error| refused(&Value::Null, PARSE, &format!("no JSON: {error}")))
}

pub(super) fn too_long(most: usize) -> Value {
    let message = format!("a message has at most {most} bytes");
    refused(&Value::Null, INVALID, &message)
}

fn refused(id: &Value, code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

/// The answer to a message; `None` where none is expected.
pub(super) async fn answer(source: &dyn Source, message: &Value) -> Option<Value> {
    let Some(fields) = message.as_object() else {
        return Some(refused(
            &Value::Null,
            INVALID,
            "one message at a time, an object",
        ));
    };
    let id = fields
        .get("id")
        .filter(|id| id.is_string() || id.is_number());
    let Some(method) = fields.get("method").and_then(Value::as_str) else {
        // An answer to something that was never asked.
        let is_answer = fields.contains_key("result") || fields.contains_key("error");
        let nothing = Value::Null;
        return (!is_answer).then(|| refused(id.unwrap_or(&nothing), INVALID, "no method"));
    };
    let id = id?;
    let nothing = json!({});
    let parameters = fields.get("params").unwrap_or(&nothing);
    let answered = match method {
        "initialize" => Ok(initialized(parameters)),
        "ping" => Ok(json!({})),
        "tools/list" => {
            Ok(json!({ "tools": TOOLS.iter().map(tools::described).collect::<Vec<_>>() }))
        }
        "tools/call" => called(source, parameters).await,
        "resources/list" => Ok(json!({ "resources": pages() })),
        "resources/templates/list" => Ok(json!({ "resourceTemplates": [] })),
        "resources/read" => page(parameters),
        _ => Err(Refusal(NO_METHOD, format!("there is no method {method:?}"))),
    };
    Some(match answered {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(Refusal(code, message)) => refused(id, code, &message),
    })
}

/// The request that a message takes back.
pub(super) fn cancelled(message: &Value) -> Option<String> {
    let is_it = message.get("method")?.as_str()? == "notifications/cancelled";
    is_it.then(|| Some(message.pointer("/params/requestId")?.to_string()))?
}

fn initialized(parameters: &Value) -> Value {
    let asked = parameters.get("protocolVersion").and_then(Value::as_str);
    let spoken = VERSIONS.iter().find(|it| Some(**it) == asked);
    json!({
        "protocolVersion": spoken.unwrap_or(&VERSIONS[0]),
        "capabilities": { "tools": {}, "resources": {} },
        "serverInfo": { "name": "oxitel-viewer", "version": env!("CARGO_PKG_VERSION") },
        "instructions": texts::INSTRUCTIONS,
    })
}

async fn called(source: &dyn Source, parameters: &Value) -> Answered {
    let wrong = |message: String| Refusal(WRONG_PARAMETERS, message);
    let name = parameters.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| wrong("a call needs the name of a tool".to_owned()))?;
    let tool = TOOLS.iter().find(|it| it.name == name).ok_or_else(|| {
        let names: Vec<&str> = TOOLS.iter().map(|it| it.name).collect();
        wrong(format!(
            "there is no tool {name:?}; there are {}",
            names.join(", ")
        ))
    })?;
    let given = match parameters.get("arguments") {
        None | Some(Value::Null) => serde_json::Map::new(),
        Some(Value::Object(given)) => given.clone(),
        Some(_) => return Err(wrong("arguments are an object".to_owned())),
    };
    let answered = match Arguments::read(tool, given) {
        Ok(arguments) => questions::answer(tool.name, source, &arguments).await,
        Err(wrong) => Err(wrong),
    };
    let is_error = answered.is_err();
    let told = answered.unwrap_or_else(|wrong| vec![fit::text(&wrong)]);
    let content: Vec<Value> = told
        .iter()
        .map(|text| json!({ "type": "text", "text": text }))
        .collect();
    Ok(json!({ "content": content, "isError": is_error }))
}

fn pages() -> Vec<Value> {
    let described = texts::RESOURCES.iter().map(|it| {
        json!({
            "uri": it.uri, "name": it.name, "description": it.description,
            "mimeType": "text/markdown",
        })
    });
    described.collect()
}

fn page(parameters: &Value) -> Answered {
    let uri = parameters
        .get("uri")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let found = texts::RESOURCES.iter().find(|it| it.uri == uri);
    let resource =
        found.ok_or_else(|| Refusal(NO_RESOURCE, format!("there is no resource {uri:?}")))?;
    let text = (resource.text)();
    Ok(json!({ "contents": [{ "uri": resource.uri, "mimeType": "text/markdown", "text": text }] }))
}
