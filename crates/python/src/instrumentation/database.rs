//! `Database`: what all commands to one database share, and a command from its beginning to its end.

use std::time::Instant;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::instrumentation::names::database::{
    ADDRESS, ARGUMENTS, COLLECTION, COUNT, DATABASE_INDEX, DURATION, ERROR_TYPE, NAME, NAMES,
    NETWORK, OPERATION, PARAMETERS, PIPELINE_LENGTH, PORT, STATEMENT, SYSTEM, TRANSPORT,
    TRANSPORT_NEW, USER,
};
use telemetry::instrumentation::sql;
use telemetry::instrumentation::sql_literals::{self, Dialect};

use super::any_instrument::AnyInstrument;
use super::any_span::{AnySpan, AnyTracer, CLIENT, Start};
use super::database_call::DatabaseCall;
use super::database_method::DatabaseMethod;
use super::facts::{Conventions, FactKeys, Facts};
use super::{hook, suppression};
use crate::imports::context;
use crate::imports::official::Official;

/// The facts of one command.
pub(super) type DatabaseFacts = Facts<COUNT>;

/// Under which keyword drivers take a statement.
const KEYWORDS: [&str; 4] = ["query", "operation", "sql", "statement"];

/// One for each connection, or for all that are to the same database.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct Database {
    tracer: AnyTracer,
    keys: FactKeys,
    /// Those of every command.
    facts: DatabaseFacts,
    /// Of a command without a word.
    default_name: Py<PyAny>,
    /// Follows the word in the name of a span.
    suffix: Option<String>,
    duration: Option<AnyInstrument>,
    returned_rows: Option<AnyInstrument>,
    /// `describe(cursor, arguments)` gives operation and statement where that is no text.
    describe: Option<Py<PyAny>>,
    /// Also where it is one.
    describes_all: bool,
    /// `populate(span, cursor, *arguments)` sets the attributes in place of ours.
    populate: Option<Py<PyAny>>,
    /// `comment(cursor, arguments)` gives the arguments with which the statement is sent.
    comment: Option<Py<PyAny>>,
    /// Whether the attribute of the statement has the comment too.
    comments_attribute: bool,
    captures_parameters: bool,
    /// Without literals, if they are to be left out of statements.
    dialect: Option<Dialect>,
    /// Further attributes of every span.
    attributes: Option<Py<PyDict>>,
    /// Whether a failure is an event, or the description of the status alone.
    records_exceptions: bool,
    /// Whether spans have their own name as the name of the operation.
    is_operation_name: bool,
}

/// A command that has begun.
pub(super) struct Running {
    pub(super) span: AnySpan,
    /// Holds the span.
    pub(super) context: Py<PyAny>,
    facts: DatabaseFacts,
    start: Instant,
}

/// A method of a cursor that has begun.
pub(super) struct Method<'py> {
    pub(super) running: Running,
    pub(super) token: Bound<'py, PyAny>,
    pub(super) arguments: Bound<'py, PyTuple>,
}

/// What is said of a statement.
struct Described<'py> {
    operation: Option<Bound<'py, PyString>>,
    statement: Option<Bound<'py, PyAny>>,
}

impl Database {
    pub(super) const fn keys(&self) -> &FactKeys {
        &self.keys
    }

    /// Begins a command, without making its span current.
    fn begin<'py>(
        &self,
        py: Python<'py>,
        name: Bound<'py, PyAny>,
        facts: DatabaseFacts,
    ) -> PyResult<Running> {
        let start = Start {
            name,
            kind: CLIENT,
            context: None,
        };
        let span = if self.populate.is_some() {
            let nothing = DatabaseFacts::new();
            self.tracer.start(py, start, &nothing, &self.keys)?
        } else {
            self.tracer.start(py, start, &facts, &self.keys)?
        };
        if let Some(attributes) = &self.attributes {
            span.set_attributes(attributes.bind(py))?;
        }
        let official = Official::get(py)?;
        let parent = context::current(py, official)?;
        let context = official.context_with_span(py, &parent, span.object(py))?;
        Ok(Running {
            span,
            context: context.unbind(),
            facts,
            start: Instant::now(),
        })
    }

    /// Begins a method of a cursor; its own arguments follow `offset` others. `None` where
    /// instrumentations are suppressed.
    pub(super) fn begin_method<'py>(
        &self,
        cursor: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        offset: usize,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<Method<'py>>> {
        let py = cursor.py();
        if suppression::is_suppressed(py)? {
            return Ok(None);
        }
        let described = self.describe(cursor, arguments, offset, keywords)?;
        let name = self.name(py, described.operation.as_ref())?;
        let mut facts = self.facts.copy(py);
        let is_commented_later = self.comment.is_some() && self.comments_attribute;
        if let Some(statement) = described.statement.filter(|_| !is_commented_later) {
            facts.set(STATEMENT, self.shown(statement)?);
        }
        if self.is_operation_name {
            facts.set(OPERATION, name.clone());
        }
        let mut running = self.begin(py, name, facts)?;
        if let (Some(operation), false) = (described.operation, self.is_operation_name) {
            running.facts.set(OPERATION, operation.into_any());
        }
        let official = Official::get(py)?;
        let token = context::attach(py, official, running.context.bind(py))?;
        let completed = self.complete(&running.span, cursor, arguments, offset);
        let arguments = hook::harmless(py, completed)?.unwrap_or_else(|| arguments.clone());
        Ok(Some(Method {
            running,
            token,
            arguments,
        }))
    }

    // What is wanted of recorded commands only, in their context.
    fn complete<'py>(
        &self,
        span: &AnySpan,
        cursor: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        offset: usize,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let py = cursor.py();
        let is_plain =
            self.populate.is_none() && self.comment.is_none() && !self.captures_parameters;
        if is_plain || !span.is_recording(py) {
            return Ok(arguments.clone());
        }
        let mut sent = arguments.clone();
        let commented = match &self.comment {
            Some(comment) if arguments.len() > offset => {
                let own = arguments.get_slice(offset, arguments.len());
                let commented = hook::call(comment.bind(py), (cursor, own))?;
                commented.and_then(|commented| commented.cast_into::<PyTuple>().ok())
            }
            _ => None,
        };
        if let Some(commented) = commented {
            let before = arguments.get_slice(0, offset);
            let all = before.iter().chain(commented.iter()).collect::<Vec<_>>();
            sent = PyTuple::new(py, all)?;
        }
        let shown = match self.comments_attribute {
            true => &sent,
            false => arguments,
        };
        if let Some(populate) = &self.populate {
            let mut all = vec![span.object(py).clone(), cursor.clone()];
            all.extend(shown.iter().skip(offset));
            hook::call(populate.bind(py), PyTuple::new(py, all)?)?;
            return Ok(sent);
        }
        if self.comment.is_some()
            && self.comments_attribute
            && let Some(statement) = self.describe(cursor, shown, offset, None)?.statement
        {
            span.set_fact(py, &self.keys, STATEMENT, &self.shown(statement)?)?;
        }
        if self.captures_parameters
            && let Ok(parameters) = shown.get_item(offset + 1)
            && let Some(text) = text_of(&parameters)?
        {
            span.set_fact(py, &self.keys, PARAMETERS, &text)?;
        }
        Ok(sent)
    }

    fn describe<'py>(
        &self,
        cursor: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        offset: usize,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Described<'py>> {
        let py = cursor.py();
        let statement = match arguments.get_item(offset) {
            Ok(statement) => Some(statement),
            Err(_) => by_keyword(keywords)?,
        };
        match (&self.describe, statement) {
            (None, Some(statement)) if statement.cast::<PyString>().is_ok() => described(statement),
            (Some(_), Some(statement))
                if !self.describes_all && statement.cast::<PyString>().is_ok() =>
            {
                described(statement)
            }
            (Some(describe), statement) if self.describes_all || statement.is_some() => {
                let own = match (arguments.len() > offset, statement) {
                    (false, Some(statement)) => PyTuple::new(py, [statement])?,
                    _ => arguments.get_slice(offset, arguments.len()),
                };
                let told = hook::call(describe.bind(py), (cursor, own))?;
                let Some(told) = told.and_then(|told| told.cast_into::<PyTuple>().ok()) else {
                    return Ok(Described {
                        operation: None,
                        statement: None,
                    });
                };
                let operation = told.get_item(0)?.cast_into::<PyString>().ok();
                Ok(Described {
                    operation: operation.filter(|text| text.is_truthy().unwrap_or(false)),
                    statement: told.get_item(1).ok().filter(|text| !text.is_none()),
                })
            }
            _ => Ok(Described {
                operation: None,
                statement: Some(PyString::new(py, "").into_any()),
            }),
        }
    }

    fn name<'py>(
        &self,
        py: Python<'py>,
        operation: Option<&Bound<'py, PyString>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Ok(match (operation, &self.suffix) {
            (None, _) => self.default_name.bind(py).clone(),
            (Some(operation), None) => operation.clone().into_any(),
            (Some(operation), Some(suffix)) => {
                PyString::new(py, &format!("{}{suffix}", operation.to_string_lossy())).into_any()
            }
        })
    }

    fn shown<'py>(&self, statement: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(dialect) = self.dialect
            && let Ok(text) = statement.cast::<PyString>()
        {
            let text = sql_literals::sanitized(&text.to_string_lossy(), dialect);
            return Ok(PyString::new(statement.py(), &text).into_any());
        }
        Ok(statement)
    }

    /// Ends a command with what it came to: its duration, the rows that `cursor` has, its span.
    pub(super) fn finish(
        &self,
        py: Python<'_>,
        running: &Running,
        cursor: Option<&Bound<'_, PyAny>>,
        error: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let elapsed = running.start.elapsed();
        let error = error.filter(|error| error.is_instance_of::<PyException>());
        let error_type = match error {
            Some(error) => Some(error.get_type().qualname()?.into_any()),
            None => None,
        };
        if let (Some(error), Some(error_type)) = (error, &error_type) {
            let noted = self.note(&running.span, error, error_type);
            hook::harmless(py, noted)?;
        }
        let measured = self.measure(py, running, elapsed.as_secs_f64(), error_type, cursor);
        hook::harmless(py, measured)?;
        running.span.end(py)
    }

    fn note(
        &self,
        span: &AnySpan,
        error: &Bound<'_, PyAny>,
        error_type: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = error.py();
        span.set_fact(py, &self.keys, ERROR_TYPE, error_type)?;
        if self.records_exceptions {
            span.note(error)
        } else {
            span.set_error(py, Some(&error.str()?.to_string_lossy()))
        }
    }

    fn measure<'py>(
        &self,
        py: Python<'py>,
        running: &Running,
        seconds: f64,
        error_type: Option<Bound<'py, PyAny>>,
        cursor: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        let Some(duration) = &self.duration else {
            return Ok(());
        };
        let attributes = PyDict::new(py);
        running.facts.put_new(&self.keys, DURATION, &attributes)?;
        let has_failed = error_type.is_some();
        if let Some(error_type) = error_type {
            attributes.set_item(intern!(py, "error.type"), error_type)?;
        }
        let context = Some(running.context.bind(py));
        let seconds = seconds.into_pyobject(py)?.into_any();
        duration.measure(py, &seconds, &attributes, context)?;
        let (Some(cursor), Some(rows)) = (cursor.filter(|_| !has_failed), &self.returned_rows)
        else {
            return Ok(());
        };
        // Not every cursor has it, and not always a number.
        let count = cursor.getattr(intern!(py, "rowcount"));
        if let Some(count) = count.ok().filter(|count| count.is_instance_of::<PyInt>())
            && !count.is_instance_of::<PyBool>()
            && count.ge(0)?
        {
            rows.measure(py, &count, &attributes, context)?;
        }
        Ok(())
    }
}

/// Leaves the context of a command.
pub(super) fn leave(py: Python<'_>, token: &Bound<'_, PyAny>) {
    if let Ok(official) = Official::get(py) {
        // Elsewhere, another thread's or greenlet's context, there is nothing to go back to.
        let _ = context::reset(py, official, token);
    }
}

fn described(statement: Bound<'_, PyAny>) -> PyResult<Described<'_>> {
    let text = statement.cast::<PyString>()?;
    let text = text.to_string_lossy();
    let word = sql::operation(&text);
    let operation = (!word.is_empty()).then(|| PyString::new(statement.py(), word));
    drop(text);
    Ok(Described {
        operation,
        statement: Some(statement),
    })
}

/// Parameters as they are shown. Those that have no text are no reason to lose the span.
fn text_of<'py>(parameters: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let text = parameters.str().map(Bound::into_any);
    hook::harmless(parameters.py(), text)
}

fn by_keyword<'py>(keywords: Option<&Bound<'py, PyDict>>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(keywords) = keywords else {
        return Ok(None);
    };
    for keyword in KEYWORDS {
        if let Some(statement) = keywords.get_item(keyword)? {
            return Ok(Some(statement));
        }
    }
    Ok(None)
}

fn optional<T>(object: Option<Py<T>>, py: Python<'_>) -> Option<Py<T>> {
    object.filter(|object| !object.is_none(py))
}

#[pymethods]
impl Database {
    #[new]
    #[pyo3(signature = (tracer, *, old, new, network_old, network_new, system, default_name,
        suffix=None, name=None, user=None, address=None, port=None, transport=None,
        database_index=None, duration=None, returned_rows=None, describe=None,
        describes_all=false, populate=None, comment=None, comments_attribute=false,
        captures_parameters=false, is_sanitized=false, attributes=None, records_exceptions=true,
        is_operation_name=false))]
    #[expect(clippy::too_many_arguments, reason = "keywords, all of them")]
    fn new(
        py: Python<'_>,
        tracer: Py<PyAny>,
        old: bool,
        new: bool,
        network_old: bool,
        network_new: bool,
        system: &Bound<'_, PyAny>,
        default_name: Py<PyAny>,
        suffix: Option<String>,
        name: Option<Bound<'_, PyAny>>,
        user: Option<Bound<'_, PyAny>>,
        address: Option<Bound<'_, PyAny>>,
        port: Option<Bound<'_, PyAny>>,
        transport: Option<(Bound<'_, PyAny>, Bound<'_, PyAny>)>,
        database_index: Option<Bound<'_, PyAny>>,
        duration: Option<&Bound<'_, PyAny>>,
        returned_rows: Option<&Bound<'_, PyAny>>,
        describe: Option<Py<PyAny>>,
        describes_all: bool,
        populate: Option<Py<PyAny>>,
        comment: Option<Py<PyAny>>,
        comments_attribute: bool,
        captures_parameters: bool,
        is_sanitized: bool,
        attributes: Option<Py<PyDict>>,
        records_exceptions: bool,
        is_operation_name: bool,
    ) -> Self {
        let mut facts = DatabaseFacts::new();
        facts.set_present(SYSTEM, Some(system.clone()));
        for (fact, value) in [(NAME, name), (USER, user), (ADDRESS, address), (PORT, port)] {
            facts.set_present(fact, value);
        }
        if let Some((old, new)) = transport {
            facts.set(TRANSPORT, old);
            facts.set(TRANSPORT_NEW, new);
        }
        if let Some(index) = database_index {
            facts.set(DATABASE_INDEX, index);
        }
        let dialect = is_sanitized.then(|| Dialect::of(&system.to_string()));
        let network = Conventions {
            old: network_old,
            new: network_new,
        };
        let conventions = Conventions { old, new };
        Self {
            tracer: AnyTracer::new(tracer),
            keys: FactKeys::with_others(py, &NAMES, conventions, NETWORK, network),
            facts,
            default_name,
            suffix,
            duration: duration.and_then(AnyInstrument::new),
            returned_rows: returned_rows.and_then(AnyInstrument::new),
            describe: optional(describe, py),
            describes_all,
            populate: optional(populate, py),
            comment: optional(comment, py),
            comments_attribute,
            captures_parameters,
            dialect,
            attributes: attributes.filter(|attributes| !attributes.bind(py).is_empty()),
            records_exceptions,
            is_operation_name,
        }
    }

    /// Calls `method(*arguments, **keywords)` of a cursor inside a span.
    #[pyo3(signature = (cursor, method, arguments, keywords=None))]
    fn call<'py>(
        &self,
        cursor: &Bound<'py, PyAny>,
        method: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.trace(cursor, method, arguments, 0, keywords)
    }

    /// A descriptor in the place of `original`, a method of a cursor's class.
    fn method(slf: Bound<'_, Self>, original: Py<PyAny>) -> DatabaseMethod {
        DatabaseMethod::new(slf.unbind(), original)
    }

    /// Begins a method of a cursor, as `call` does, for callers that wait for its end; None where
    /// instrumentations are suppressed.
    #[pyo3(signature = (cursor, arguments, keywords=None))]
    fn begin_call<'py>(
        slf: &Bound<'py, Self>,
        cursor: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Option<DatabaseCall>> {
        let py = slf.py();
        let begun = slf.get().begin_method(cursor, arguments, 0, keywords);
        let Some(method) = hook::harmless(py, begun)?.flatten() else {
            return Ok(None);
        };
        let token = Some(method.token.unbind());
        let arguments = Some(method.arguments.unbind());
        let cursor = Some(cursor.clone().unbind());
        let database = slf.clone().unbind();
        Ok(Some(DatabaseCall::new(
            database,
            method.running,
            token,
            arguments,
            cursor,
        )))
    }

    /// Begins a command by its parts; None where instrumentations are suppressed. Its span is
    /// current in the `with` block of what is returned.
    #[pyo3(name = "begin", signature = (name, statement=None, *, collection=None, system=None,
        database=None, address=None, port=None, arguments=None, pipeline_length=None,
        parameters=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords, most of them")]
    fn begin_by_parts<'py>(
        slf: &Bound<'py, Self>,
        name: Bound<'py, PyAny>,
        statement: Option<Bound<'py, PyAny>>,
        collection: Option<Bound<'py, PyAny>>,
        system: Option<Bound<'py, PyAny>>,
        database: Option<Bound<'py, PyAny>>,
        address: Option<Bound<'py, PyAny>>,
        port: Option<Bound<'py, PyAny>>,
        arguments: Option<Bound<'py, PyAny>>,
        pipeline_length: Option<Bound<'py, PyAny>>,
        parameters: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<DatabaseCall>> {
        let py = slf.py();
        let own = slf.get();
        let begin = || {
            if suppression::is_suppressed(py)? {
                return Ok(None);
            }
            let mut facts = own.facts.copy(py);
            if let Some(statement) = statement {
                facts.set(STATEMENT, own.shown(statement)?);
            }
            for (fact, value) in [
                (SYSTEM, system),
                (NAME, database),
                (COLLECTION, collection),
                (ADDRESS, address),
                (PORT, port),
                (PARAMETERS, parameters),
            ] {
                facts.set_present(fact, value);
            }
            for (fact, value) in [(ARGUMENTS, arguments), (PIPELINE_LENGTH, pipeline_length)] {
                if let Some(value) = value {
                    facts.set(fact, value);
                }
            }
            own.begin(py, name, facts).map(Some)
        };
        let Some(running) = hook::harmless(py, begin())?.flatten() else {
            return Ok(None);
        };
        let database = slf.clone().unbind();
        Ok(Some(DatabaseCall::new(database, running, None, None, None)))
    }

    /// Begins a command whose name is that of its operation, after `prefix`; None where
    /// instrumentations are suppressed. The span shows `parameters`, if they are given, and is
    /// current until the `with` block of what is returned is left.
    fn begin_statement<'py>(
        slf: &Bound<'py, Self>,
        statement: &Bound<'py, PyAny>,
        prefix: &str,
        parameters: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<DatabaseCall>> {
        let py = slf.py();
        let own = slf.get();
        let begin = || -> PyResult<Option<(Running, Bound<'py, PyAny>)>> {
            if suppression::is_suppressed(py)? {
                return Ok(None);
            }
            let mut facts = own.facts.copy(py);
            let mut operation = None;
            if statement.is_instance_of::<PyString>() {
                operation = described(statement.clone())?.operation;
                facts.set(STATEMENT, own.shown(statement.clone())?);
            }
            let shown = parameters.as_ref().map(text_of).transpose()?.flatten();
            facts.set_present(PARAMETERS, shown);
            let mut name = own.name(py, operation.as_ref())?;
            if !prefix.is_empty() {
                let word = name.str()?;
                name = PyString::new(py, &format!("{prefix}{}", word.to_string_lossy())).into_any();
            }
            let running = own.begin(py, name, facts)?;
            let token = context::attach(py, Official::get(py)?, running.context.bind(py))?;
            Ok(Some((running, token)))
        };
        let Some((running, token)) = hook::harmless(py, begin())?.flatten() else {
            return Ok(None);
        };
        let database = slf.clone().unbind();
        let token = Some(token.unbind());
        let call = DatabaseCall::new(database, running, token, None, None);
        Ok(Some(call))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.tracer.traverse(&visit)?;
        self.facts.traverse(&visit)?;
        for instrument in [&self.duration, &self.returned_rows].into_iter().flatten() {
            instrument.traverse(&visit)?;
        }
        visit.call(&self.describe)?;
        visit.call(&self.populate)?;
        visit.call(&self.comment)?;
        visit.call(&self.attributes)
    }
}

impl Database {
    /// Calls `method` inside a span; its own arguments follow `offset` others.
    pub(super) fn trace<'py>(
        &self,
        cursor: &Bound<'py, PyAny>,
        method: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
        offset: usize,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = cursor.py();
        let begun = self.begin_method(cursor, arguments, offset, keywords);
        let Some(begun) = hook::harmless(py, begun)?.flatten() else {
            return method.call(arguments, keywords);
        };
        let result = method.call(&begun.arguments, keywords);
        leave(py, &begun.token);
        let error = result.as_ref().err().map(|error| error.value(py).as_any());
        let finished = self.finish(py, &begun.running, Some(cursor), error);
        hook::harmless(py, finished)?;
        result
    }
}
