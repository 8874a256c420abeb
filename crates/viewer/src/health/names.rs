//! Names of attributes that the semantic conventions know: those that are in use, those that were
//! renamed, and which of them a misspelt one was meant to be.

/// Names in use that programs write most.
const KNOWN: &[&str] = &[
    "client.address",
    "client.port",
    "cloud.account.id",
    "cloud.platform",
    "cloud.provider",
    "cloud.region",
    "code.file.path",
    "code.function.name",
    "code.line.number",
    "code.stacktrace",
    "container.id",
    "container.image.name",
    "container.name",
    "db.collection.name",
    "db.namespace",
    "db.operation.batch.size",
    "db.operation.name",
    "db.query.summary",
    "db.query.text",
    "db.response.returned_rows",
    "db.response.status_code",
    "db.stored_procedure.name",
    "db.system.name",
    "deployment.environment.name",
    "deployment.id",
    "deployment.name",
    "error.message",
    "error.type",
    "exception.message",
    "exception.stacktrace",
    "exception.type",
    "faas.invocation_id",
    "faas.name",
    "faas.trigger",
    "feature_flag.key",
    "feature_flag.result.variant",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.max_tokens",
    "gen_ai.request.model",
    "gen_ai.request.temperature",
    "gen_ai.response.finish_reasons",
    "gen_ai.response.id",
    "gen_ai.response.model",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "host.arch",
    "host.id",
    "host.name",
    "http.connection.state",
    "http.request.body.size",
    "http.request.method",
    "http.request.method_original",
    "http.request.resend_count",
    "http.request.size",
    "http.response.body.size",
    "http.response.size",
    "http.response.status_code",
    "http.route",
    "k8s.cluster.name",
    "k8s.container.name",
    "k8s.deployment.name",
    "k8s.namespace.name",
    "k8s.node.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "messaging.batch.message_count",
    "messaging.client.id",
    "messaging.consumer.group.name",
    "messaging.destination.name",
    "messaging.destination.partition.id",
    "messaging.destination.template",
    "messaging.kafka.message.key",
    "messaging.kafka.offset",
    "messaging.message.body.size",
    "messaging.message.conversation_id",
    "messaging.message.id",
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.rabbitmq.destination.routing_key",
    "messaging.system",
    "network.local.address",
    "network.local.port",
    "network.peer.address",
    "network.peer.port",
    "network.protocol.name",
    "network.protocol.version",
    "network.transport",
    "network.type",
    "os.name",
    "os.type",
    "os.version",
    "peer.service",
    "process.command",
    "process.executable.name",
    "process.pid",
    "process.runtime.name",
    "process.runtime.version",
    "rpc.grpc.status_code",
    "rpc.method",
    "rpc.service",
    "rpc.system",
    "server.address",
    "server.port",
    "service.instance.id",
    "service.name",
    "service.namespace",
    "service.version",
    "session.id",
    "source.address",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "thread.id",
    "thread.name",
    "url.domain",
    "url.fragment",
    "url.full",
    "url.path",
    "url.query",
    "url.scheme",
    "url.template",
    "user.email",
    "user.id",
    "user.name",
    "user_agent.name",
    "user_agent.original",
];

/// Old names and what they are called now.
const RENAMED: &[(&str, &str)] = &[
    ("code.filepath", "code.file.path"),
    ("code.function", "code.function.name"),
    ("code.lineno", "code.line.number"),
    ("db.cassandra.table", "db.collection.name"),
    ("db.mongodb.collection", "db.collection.name"),
    ("db.name", "db.namespace"),
    ("db.operation", "db.operation.name"),
    ("db.sql.table", "db.collection.name"),
    ("db.statement", "db.query.text"),
    ("db.system", "db.system.name"),
    ("deployment.environment", "deployment.environment.name"),
    ("enduser.id", "user.id"),
    ("gen_ai.system", "gen_ai.provider.name"),
    (
        "gen_ai.usage.completion_tokens",
        "gen_ai.usage.output_tokens",
    ),
    ("gen_ai.usage.prompt_tokens", "gen_ai.usage.input_tokens"),
    ("http.client_ip", "client.address"),
    ("http.flavor", "network.protocol.version"),
    ("http.host", "server.address"),
    ("http.method", "http.request.method"),
    (
        "http.request_content_length",
        "http.request.header.content-length",
    ),
    (
        "http.response_content_length",
        "http.response.header.content-length",
    ),
    ("http.scheme", "url.scheme"),
    ("http.server_name", "server.address"),
    ("http.status_code", "http.response.status_code"),
    ("http.target", "url.path and url.query"),
    ("http.url", "url.full"),
    ("http.user_agent", "user_agent.original"),
    ("message.type", "rpc.message.type"),
    ("messaging.destination", "messaging.destination.name"),
    (
        "messaging.kafka.consumer.group",
        "messaging.consumer.group.name",
    ),
    (
        "messaging.kafka.destination.partition",
        "messaging.destination.partition.id",
    ),
    ("messaging.kafka.message.offset", "messaging.kafka.offset"),
    ("messaging.message_id", "messaging.message.id"),
    ("messaging.operation", "messaging.operation.type"),
    ("net.host.ip", "network.local.address"),
    ("net.host.name", "server.address"),
    ("net.host.port", "server.port"),
    ("net.peer.ip", "network.peer.address"),
    ("net.peer.name", "server.address"),
    ("net.peer.port", "server.port"),
    ("net.protocol.name", "network.protocol.name"),
    ("net.protocol.version", "network.protocol.version"),
    ("net.sock.peer.addr", "network.peer.address"),
    ("net.sock.peer.port", "network.peer.port"),
    ("net.transport", "network.transport"),
];

/// What an old name is called now.
pub(super) fn renamed(key: &str) -> Option<&'static str> {
    let at = RENAMED.binary_search_by_key(&key, |it| it.0).ok()?;
    RENAMED.get(at).map(|it| it.1)
}

/// The name that one was meant to be that is no convention but nearly one.
pub(super) fn misspelt(key: &str) -> Option<&'static str> {
    let has_digit = key.bytes().any(|byte| byte.is_ascii_digit());
    if KNOWN.binary_search(&key).is_ok() || key.len() < 7 || !key.is_ascii() || has_digit {
        return None;
    }
    let limit = if key.len() < 12 { 1 } else { 2 };
    // A single letter more may be meant, as the plural is.
    let is_near = |known: &&&str| {
        known.len().abs_diff(key.len()) <= limit
            && *known.trim_end_matches('s') != *key.trim_end_matches('s')
            && distance(known.as_bytes(), key.as_bytes()) <= limit
    };
    KNOWN.iter().find(is_near).copied()
}

/// How many characters have to be changed, added, taken away to make one of the other.
fn distance(one: &[u8], other: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, a) in one.iter().enumerate() {
        let mut diagonal = number;
        let mut left = number + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, b) in row.iter_mut().skip(1).zip(other) {
            let above = *cell;
            let new = (diagonal + usize::from(a != b))
                .min(above + 1)
                .min(left + 1);
            diagonal = above;
            *cell = new;
            left = new;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_order_and_do_not_contradict_each_other() {
        assert!(KNOWN.is_sorted());
        assert!(RENAMED.is_sorted());
        assert!(RENAMED.iter().all(|it| KNOWN.binary_search(&it.0).is_err()));
    }

    #[test]
    fn a_name_that_is_nearly_one_is_known_and_others_are_left_alone() {
        assert_eq!(renamed("http.statuscode"), None);
        assert_eq!(
            renamed("http.status_code"),
            Some("http.response.status_code")
        );
        assert_eq!(misspelt("http.request.metod"), Some("http.request.method"));
        assert_eq!(misspelt("http.rout"), Some("http.route"));
        for fine in [
            "http.route",
            "http.routes",
            "customer.id",
            "order.id",
            "user.id2",
            "x",
        ] {
            assert_eq!(misspelt(fine), None, "{fine}");
        }
        assert_eq!(distance(b"kitten", b"sitting"), 3);
        assert_eq!(distance(b"", b"abc"), 3);
    }
}
