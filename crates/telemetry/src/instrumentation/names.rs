//! The attributes of an instrumented call, by fact: each has a name in the old semantic conventions, in
//! the new ones, or in both. Metrics carry some of the facts, a set of bits each.

/// What an attribute is called in the old and in the new semantic conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    pub old: Option<&'static str>,
    pub new: Option<&'static str>,
}

const fn both(old: &'static str, new: &'static str) -> Names {
    Names {
        old: Some(old),
        new: Some(new),
    }
}

const fn old(name: &'static str) -> Names {
    Names {
        old: Some(name),
        new: None,
    }
}

const fn new(name: &'static str) -> Names {
    Names {
        old: None,
        new: Some(name),
    }
}

/// Some facts of a table, as bits by their position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactSet(u32);

impl FactSet {
    pub const ALL: Self = Self(u32::MAX);

    #[must_use]
    pub const fn of(positions: &[usize]) -> Self {
        let mut bits = 0;
        let mut rest = positions;
        while let [first, others @ ..] = rest {
            bits |= 1 << *first;
            rest = others;
        }
        Self(bits)
    }

    /// The facts of both.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    #[must_use]
    pub const fn contains(self, position: usize) -> bool {
        self.0 >> position & 1 == 1
    }

    /// The positions of its facts, in their order.
    pub fn positions(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let position = rest.trailing_zeros();
            rest &= rest.checked_sub(1)?;
            Some(position as usize)
        })
    }
}

/// The facts of a request that a server handles.
pub mod server {
    use super::{FactSet, Names, both, new, old};

    pub const METHOD_ORIGINAL: usize = 0;
    pub const METHOD: usize = 1;
    pub const SERVER_NAME: usize = 2;
    pub const SCHEME: usize = 3;
    pub const HOST_NAME: usize = 4;
    pub const HOST: usize = 5;
    pub const PORT: usize = 6;
    pub const TARGET: usize = 7;
    pub const PATH: usize = 8;
    pub const QUERY: usize = 9;
    pub const URL: usize = 10;
    pub const PEER_ADDRESS: usize = 11;
    pub const PEER_PORT: usize = 12;
    pub const PEER_NAME: usize = 13;
    pub const USER_AGENT: usize = 14;
    pub const SYNTHETIC: usize = 15;
    pub const PROTOCOL_VERSION: usize = 16;
    pub const ROUTE: usize = 17;
    pub const STATUS: usize = 18;
    pub const ERROR_TYPE: usize = 19;
    pub const ADDRESS: usize = 20;
    pub const ADDRESS_PORT: usize = 21;
    pub const COUNT: usize = 22;

    /// By the positions above. A later fact of the same name replaces an earlier one.
    pub const NAMES: [Names; COUNT] = [
        new("http.request.method_original"),
        both("http.method", "http.request.method"),
        old("http.server_name"),
        both("http.scheme", "url.scheme"),
        both("net.host.name", "server.address"),
        old("http.host"),
        both("net.host.port", "server.port"),
        old("http.target"),
        new("url.path"),
        new("url.query"),
        old("http.url"),
        both("net.peer.ip", "client.address"),
        both("net.peer.port", "client.port"),
        both("net.peer.name", "client.address"),
        both("http.user_agent", "user_agent.original"),
        both("user_agent.synthetic.type", "user_agent.synthetic.type"),
        both("http.flavor", "network.protocol.version"),
        both("http.route", "http.route"),
        both("http.status_code", "http.response.status_code"),
        new("error.type"),
        new("server.address"),
        new("server.port"),
    ];

    pub const ACTIVE_OLD: FactSet =
        FactSet::of(&[METHOD, HOST, SCHEME, PROTOCOL_VERSION, SERVER_NAME]);
    pub const ACTIVE_NEW: FactSet = FactSet::of(&[METHOD, SCHEME]);
    pub const DURATION_OLD: FactSet = FactSet::of(&[
        METHOD,
        HOST,
        SCHEME,
        STATUS,
        PROTOCOL_VERSION,
        SERVER_NAME,
        HOST_NAME,
        PORT,
    ]);
    pub const DURATION_NEW: FactSet =
        FactSet::of(&[ERROR_TYPE, METHOD, STATUS, ROUTE, PROTOCOL_VERSION, SCHEME]);
}

/// The facts of a request that a client makes.
pub mod client {
    use super::{FactSet, Names, both, new, old};

    pub const METHOD_ORIGINAL: usize = 0;
    pub const METHOD: usize = 1;
    pub const URL: usize = 2;
    pub const SYNTHETIC: usize = 3;
    pub const USER_AGENT: usize = 4;
    pub const SCHEME: usize = 5;
    pub const HOST: usize = 6;
    pub const PEER_NAME: usize = 7;
    pub const PEER_ADDRESS: usize = 8;
    pub const PORT: usize = 9;
    pub const PEER_PORT: usize = 10;
    pub const STATUS: usize = 11;
    pub const ERROR_TYPE: usize = 12;
    pub const PROTOCOL_VERSION: usize = 13;
    pub const COUNT: usize = 14;

    /// By the positions above.
    pub const NAMES: [Names; COUNT] = [
        new("http.request.method_original"),
        both("http.method", "http.request.method"),
        both("http.url", "url.full"),
        both("user_agent.synthetic.type", "user_agent.synthetic.type"),
        both("user_agent.original", "user_agent.original"),
        old("http.scheme"),
        both("http.host", "server.address"),
        old("net.peer.name"),
        new("network.peer.address"),
        both("net.peer.port", "server.port"),
        new("network.peer.port"),
        both("http.status_code", "http.response.status_code"),
        new("error.type"),
        both("http.flavor", "network.protocol.version"),
    ];

    /// On the span of every client.
    pub const ON_SPAN: FactSet = FactSet::of(&[
        METHOD_ORIGINAL,
        METHOD,
        URL,
        SYNTHETIC,
        USER_AGENT,
        STATUS,
        ERROR_TYPE,
    ]);
    /// On the spans of most, in the new conventions.
    pub const SERVER_ON_SPAN: FactSet = FactSet::of(&[HOST, PORT]);
    /// On the spans of some, in the new conventions.
    pub const PEER_ON_SPAN: FactSet = FactSet::of(&[PEER_ADDRESS, PEER_PORT, PROTOCOL_VERSION]);
    pub const DURATION_OLD: FactSet = FactSet::of(&[
        STATUS,
        HOST,
        METHOD,
        PROTOCOL_VERSION,
        SCHEME,
        PORT,
        PEER_NAME,
    ]);
    pub const DURATION_NEW: FactSet =
        FactSet::of(&[ERROR_TYPE, METHOD, STATUS, PROTOCOL_VERSION, HOST, PORT]);
}

/// The facts of a command that is sent to a database.
pub mod database {
    use super::{FactSet, Names, both, new, old};

    pub const SYSTEM: usize = 0;
    pub const NAME: usize = 1;
    pub const STATEMENT: usize = 2;
    pub const USER: usize = 3;
    pub const OPERATION: usize = 4;
    pub const ADDRESS: usize = 5;
    pub const PORT: usize = 6;
    pub const TRANSPORT: usize = 7;
    pub const TRANSPORT_NEW: usize = 8;
    pub const COLLECTION: usize = 9;
    pub const DATABASE_INDEX: usize = 10;
    pub const ARGUMENTS: usize = 11;
    pub const PIPELINE_LENGTH: usize = 12;
    pub const PARAMETERS: usize = 13;
    pub const ERROR_TYPE: usize = 14;
    pub const COUNT: usize = 15;

    /// By the positions above.
    pub const NAMES: [Names; COUNT] = [
        both("db.system", "db.system.name"),
        both("db.name", "db.namespace"),
        both("db.statement", "db.query.text"),
        old("db.user"),
        both("db.operation", "db.operation.name"),
        both("net.peer.name", "server.address"),
        both("net.peer.port", "server.port"),
        old("net.transport"),
        new("network.transport"),
        both("db.mongodb.collection", "db.collection.name"),
        old("db.redis.database_index"),
        both("db.redis.args_length", "db.redis.args_length"),
        both("db.redis.pipeline_length", "db.redis.pipeline_length"),
        both("db.statement.parameters", "db.statement.parameters"),
        new("error.type"),
    ];

    /// Those that `OTEL_SEMCONV_STABILITY_OPT_IN` names as it says for HTTP, with most libraries.
    pub const NETWORK: FactSet = FactSet::of(&[ADDRESS, PORT, TRANSPORT, TRANSPORT_NEW]);
    pub const DURATION: FactSet =
        FactSet::of(&[SYSTEM, NAME, OPERATION, ADDRESS, PORT, ERROR_TYPE]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_its_facts_and_no_others() {
        let set = FactSet::of(&[server::METHOD, server::ERROR_TYPE]);
        let held: Vec<usize> = (0..server::COUNT)
            .filter(|&fact| set.contains(fact))
            .collect();
        assert_eq!(held, [server::METHOD, server::ERROR_TYPE]);
    }

    #[test]
    fn every_fact_of_a_metric_has_a_name_in_its_conventions() {
        for fact in 0..server::COUNT {
            let names = server::NAMES[fact];
            assert!(!server::DURATION_OLD.contains(fact) || names.old.is_some());
            assert!(!server::DURATION_NEW.contains(fact) || names.new.is_some());
        }
        for fact in 0..client::COUNT {
            let names = client::NAMES[fact];
            assert!(!client::DURATION_OLD.contains(fact) || names.old.is_some());
            assert!(!client::DURATION_NEW.contains(fact) || names.new.is_some());
        }
        for fact in 0..database::COUNT {
            assert!(!database::DURATION.contains(fact) || database::NAMES[fact].new.is_some());
        }
    }
}
