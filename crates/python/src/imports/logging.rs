//! What we use of Python's `logging`.

use super::object::Object;

pub(crate) static HANDLER: Object = Object::new("logging", "Handler");
pub(crate) static LOG_RECORD: Object = Object::new("logging", "LogRecord");
