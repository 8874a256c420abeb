//! What the instrumentations of libraries decide without Python: the names of attributes in the old and
//! the new semantic conventions, methods, statuses, what is redacted in URLs, the words of SQL.

pub mod method;
#[expect(missing_docs, reason = "a fact is what its name says")]
pub mod names;
pub mod sql;
pub mod sql_literals;
pub mod status;
pub mod url;
pub mod user_agent;
