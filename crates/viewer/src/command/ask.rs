//! Asks the viewer that runs, or the data that one left, and shows the answer: as a table, as the
//! JSON that it is, or as its items one a line. What scripts need to know is in the exit status.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::conditions::Conditions;
use super::table::{answer_table, sql_table};
use super::verbs::Verb;
use super::{USAGE, client, directory, say, write_out};
use crate::api::{self, Answer, Context};
use crate::draw::terminal::{Colour, Terminal};
use crate::store::Store;

/// A condition that was given does not hold.
const CONDITION: u8 = 1;
/// Nothing matched although something was expected.
const NOTHING: u8 = 3;
/// No viewer runs, and there is no data.
const NO_VIEWER: u8 = 4;
const POLL: Duration = Duration::from_millis(200);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Table,
    Json,
    Lines,
}

#[derive(Debug)]
pub(super) struct AskArguments {
    pub(super) verb: &'static Verb,
    pub(super) pairs: Vec<(String, String)>,
    pub(super) address: Option<SocketAddr>,
    pub(super) data: Option<std::path::PathBuf>,
    /// Not given: a table on a terminal, else JSON.
    pub(super) format: Option<Format>,
    pub(super) expects: bool,
    pub(super) conditions: Conditions,
    pub(super) timeout: Duration,
    pub(super) count: usize,
}

/// Who answers.
enum Source {
    Viewer(SocketAddr),
    Data(Box<Context>),
}

/// An answer: its status and what it says.
struct Said {
    status: u16,
    body: String,
}

impl Source {
    fn find(arguments: &AskArguments) -> Option<Self> {
        if let Some(address) = arguments.address {
            return Some(Self::Viewer(address));
        }
        let data = arguments.data.clone().or_else(directory::of_project);
        let answers = |address: &SocketAddr| client::get_soon(*address, "/api/totals").is_ok();
        let noted = data.as_deref().and_then(directory::noted);
        let noted = noted.map(|it| it.1).filter(answers);
        let usual = SocketAddr::from(([127, 0, 0, 1], 4318));
        let usual = Some(usual).filter(|it| arguments.data.is_none() && answers(it));
        if let Some(address) = noted.or(usual) {
            return Some(Self::Viewer(address));
        }
        let data = data.filter(|data| data.join(crate::store::NAME).exists())?;
        match Store::open(Some(data), Default::default()) {
            Ok((store, _)) => Some(Self::Data(Box::new(Context::new(store, None)))),
            Err(why) => {
                say(&why.to_string());
                None
            }
        }
    }

    fn get(&self, path: &str, pairs: &[(String, String)]) -> io::Result<Said> {
        match self {
            Self::Viewer(address) => {
                let reply = client::get(*address, &client::path(path, pairs))?;
                Ok(Said {
                    status: reply.status,
                    body: reply.body,
                })
            }
            Self::Data(context) => Ok(match api::answer(context, path, pairs.to_vec()) {
                Ok(Answer::Json(value)) => Said {
                    status: 200,
                    body: value.to_string(),
                },
                Ok(Answer::Text(body)) => Said { status: 200, body },
                Err(problem) => Said {
                    status: problem.status.as_u16(),
                    body: problem.json().to_string(),
                },
            }),
        }
    }

    fn post(&self, path: &str, body: &[u8]) -> io::Result<Said> {
        match self {
            Self::Viewer(address) => {
                let reply = client::post(*address, path, body)?;
                Ok(Said {
                    status: reply.status,
                    body: reply.body,
                })
            }
            Self::Data(_) => Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "no viewer runs that could change something",
            )),
        }
    }
}

pub(super) fn ask(arguments: &AskArguments) -> io::Result<ExitCode> {
    match answered(arguments) {
        Err(error) if is_nobody(&error) => {
            say(&error.to_string());
            Ok(ExitCode::from(NO_VIEWER))
        }
        result => result,
    }
}

/// Whether there is no viewer to ask.
fn is_nobody(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotConnected | io::ErrorKind::ConnectionRefused | io::ErrorKind::TimedOut
    )
}

fn answered(arguments: &AskArguments) -> io::Result<ExitCode> {
    let Some(source) = Source::find(arguments) else {
        say(
            "no viewer runs, and none has kept data for this directory: `oxitel-viewer start` starts one",
        );
        return Ok(ExitCode::from(NO_VIEWER));
    };
    let said = match arguments.verb.name {
        "wait" => wait(&source, arguments)?,
        "tail" => return tail(&source, arguments),
        "stop" => stop(&source, arguments)?,
        "import" | "pin" | "unpin" | "clear" => change(&source, arguments)?,
        "snapshot" if !arguments.pairs.is_empty() => change(&source, arguments)?,
        _ => {
            let (path, pairs) = question(arguments);
            source.get(&path, &pairs)?
        }
    };
    if said.status != 200 {
        let problem: Value = serde_json::from_str(&said.body).unwrap_or_default();
        say(&api::explained(&problem));
        return Ok(ExitCode::from(match said.status {
            400 => USAGE,
            404 => NOTHING,
            _ => CONDITION,
        }));
    }
    if arguments.verb.name == "export" {
        write_out(&said.body)?;
        // What goes wrong half-way is said in the last line.
        let last = said.body.lines().next_back().unwrap_or_default();
        if last.starts_with("{\"error\"") {
            say(&api::explained(
                &serde_json::from_str(last).unwrap_or_default(),
            ));
            return Ok(ExitCode::from(CONDITION));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let answer: Value = serde_json::from_str(&said.body).map_err(io::Error::other)?;
    show(arguments, &answer)?;
    let items = answer.get("data").and_then(Value::as_array).map(Vec::len);
    let wanted = if arguments.verb.name == "wait" {
        arguments.count
    } else {
        1
    };
    let expects = arguments.expects || arguments.verb.name == "wait";
    if expects && items.is_some_and(|items| items < wanted) {
        return Ok(ExitCode::from(NOTHING));
    }
    let broken = arguments.conditions.broken(&answer);
    for condition in &broken {
        say(condition);
    }
    Ok(if broken.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(CONDITION)
    })
}

/// The path with the arguments that belong into it, and the other parameters.
fn question(arguments: &AskArguments) -> (String, Vec<(String, String)>) {
    let mut path = arguments.verb.path.to_owned();
    let mut pairs = Vec::new();
    for (key, value) in &arguments.pairs {
        let place = format!("{{{key}}}");
        if path.contains(&place) {
            let value: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
            path = path.replace(&place, &value);
        } else {
            pairs.push((key.clone(), value.clone()));
        }
    }
    (path.replace("{id}", "latest"), pairs)
}

fn show(arguments: &AskArguments, answer: &Value) -> io::Result<()> {
    let terminal = Terminal::of_standard_output(Colour::Never);
    let format = arguments.format.unwrap_or(if terminal.is_terminal {
        Format::Table
    } else {
        Format::Json
    });
    match format {
        Format::Json => write_out(&format!("{answer}\n")),
        Format::Lines => match answer.get("data").and_then(Value::as_array) {
            Some(items) => items
                .iter()
                .try_for_each(|item| write_out(&format!("{item}\n"))),
            None => write_out(&format!("{answer}\n")),
        },
        Format::Table if arguments.verb.name == "sql" => write_out(&sql_table(answer, terminal)),
        Format::Table if arguments.verb.columns.is_empty() => write_out(&format!(
            "{}\n",
            serde_json::to_string_pretty(answer).unwrap_or_default()
        )),
        Format::Table => write_out(&answer_table(arguments.verb.columns, answer, terminal)),
    }
}

/// Asks until enough match, or the time is up.
fn wait(source: &Source, arguments: &AskArguments) -> io::Result<Said> {
    let until = Instant::now() + arguments.timeout;
    let (path, pairs) = question(arguments);
    loop {
        let said = source.get(&path, &pairs)?;
        let answer: Value = serde_json::from_str(&said.body).unwrap_or_default();
        let total = answer.get("total").and_then(Value::as_u64).unwrap_or(0);
        if said.status != 200 || total >= arguments.count as u64 {
            return Ok(said);
        }
        if Instant::now() >= until {
            let newest = source.get(&path, &[("limit".to_owned(), "5".to_owned())])?;
            let newest: Value = serde_json::from_str(&newest.body).unwrap_or_default();
            let names: Vec<&str> = newest
                .get("data")
                .and_then(Value::as_array)
                .map(|all| {
                    all.iter()
                        .filter_map(|it| it.get("root_name")?.as_str())
                        .collect()
                })
                .unwrap_or_default();
            say(&format!(
                "{total} of {} after {:?}; what came last: {}",
                arguments.count,
                arguments.timeout,
                if names.is_empty() {
                    "nothing".to_owned()
                } else {
                    names.join(", ")
                }
            ));
            return Ok(said);
        }
        std::thread::sleep(POLL);
    }
}

/// Log records as they come, until it is interrupted.
fn tail(source: &Source, arguments: &AskArguments) -> io::Result<ExitCode> {
    let terminal = Terminal::of_standard_output(Colour::Never);
    let is_table = match arguments.format {
        Some(format) => format == Format::Table,
        None => terminal.is_terminal,
    };
    let mut pairs = arguments.pairs.clone();
    pairs.push(("limit".to_owned(), "1".to_owned()));
    let last = |answer: &Value| -> Option<String> {
        let items = answer.get("data")?.as_array()?;
        Some(items.last()?.get("id")?.as_str()?.to_owned())
    };
    let newest = source.get("/api/logs", &pairs)?;
    let newest: Value = serde_json::from_str(&newest.body).map_err(io::Error::other)?;
    if newest.get("error").is_some() {
        say(&api::explained(&newest));
        return Ok(ExitCode::from(USAGE));
    }
    let mut position = last(&newest);
    loop {
        let mut pairs = arguments.pairs.clone();
        pairs.push(("sort".to_owned(), "oldest".to_owned()));
        pairs.push(("limit".to_owned(), "1000".to_owned()));
        pairs.extend(position.clone().map(|it| ("before".to_owned(), it)));
        let said = source.get("/api/logs", &pairs)?;
        let answer: Value = serde_json::from_str(&said.body).map_err(io::Error::other)?;
        for item in answer
            .get("data")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if is_table {
                write_out(&super::table::log_line(item, terminal))?;
            } else {
                write_out(&format!("{item}\n"))?;
            }
        }
        position = last(&answer).or(position);
        std::thread::sleep(POLL);
    }
}

/// Asks the viewer to end, and waits until it has.
fn stop(source: &Source, arguments: &AskArguments) -> io::Result<Said> {
    let said = source.post(arguments.verb.path, b"{}")?;
    let until = Instant::now() + arguments.timeout;
    if let Source::Viewer(address) = source
        && said.status == 200
    {
        while client::get_soon(*address, "/api/totals").is_ok() {
            if Instant::now() >= until {
                return Err(io::Error::other(format!(
                    "the viewer at {address} has not ended after {:?}",
                    arguments.timeout
                )));
            }
            std::thread::sleep(POLL);
        }
    }
    Ok(said)
}

fn change(source: &Source, arguments: &AskArguments) -> io::Result<Said> {
    let given = |key: &str| {
        let found = arguments.pairs.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    };
    let verb = arguments.verb;
    match verb.name {
        "import" => {
            let path = given("file").unwrap_or("-");
            let content = if path == "-" {
                let mut content = Vec::new();
                io::Read::read_to_end(&mut io::stdin(), &mut content)?;
                content
            } else {
                std::fs::read(path)
                    .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?
            };
            source.post(verb.path, &content)
        }
        "snapshot" => source.post(
            verb.path,
            json!({ "name": given("name") }).to_string().as_bytes(),
        ),
        "clear" => {
            let body = match given("service") {
                Some(service) => json!({ "service": service }),
                None => json!({}),
            };
            source.post(verb.path, body.to_string().as_bytes())
        }
        _ => {
            // Pins name the whole id; the first digits are enough here.
            let id = given("trace_id").unwrap_or("latest");
            let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
            let found = source.get(&format!("/api/traces/{id}"), &[])?;
            if found.status != 200 {
                return Ok(found);
            }
            let trace: Value = serde_json::from_str(&found.body).unwrap_or_default();
            let body = json!({ "trace_id": trace.get("trace_id"), "pinned": verb.name == "pin" });
            source.post(verb.path, body.to_string().as_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::verbs::VERBS;
    use super::*;

    #[test]
    fn arguments_go_into_the_path_where_it_has_a_place_for_them() {
        let ask = |name: &str, pairs: &[(&str, &str)]| {
            let verb = VERBS.iter().find(|it| it.name == name).expect("a verb");
            question(&AskArguments {
                verb,
                pairs: pairs
                    .iter()
                    .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                    .collect(),
                address: None,
                data: None,
                format: None,
                expects: false,
                conditions: Conditions::default(),
                timeout: Duration::ZERO,
                count: 1,
            })
        };
        assert_eq!(ask("trace", &[]).0, "/api/traces/latest");
        assert_eq!(
            ask("span", &[("id", "../ab"), ("span", "12")]).0,
            "/api/traces/ab/spans/12"
        );
        let (path, pairs) = ask("traces", &[("q", "a b")]);
        assert_eq!((path.as_str(), pairs.len()), ("/api/traces", 1));
        assert_eq!(client::path(&path, &pairs), "/api/traces?q=a%20b");
    }
}
