//! The command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::{Arg, Parser, ValueExt};

use super::ask::{AskArguments, Format};
use super::conditions::Conditions;
use super::verbs::{VERBS, Verb};
use crate::draw::terminal::Colour;
use crate::query::duration;
use crate::store::Limits;

pub(crate) const HELP: &str = "\
Receives OTLP and shows what arrived.

usage: oxitel-viewer start [OPTIONS]
       oxitel-viewer show [TRACE] [OPTIONS]
       oxitel-viewer metrics [SERVICE] [OPTIONS]
       oxitel-viewer status|traces|trace|logs|services|health|… [ARGUMENT] [OPTIONS]

start: take OTLP over gRPC and HTTP, keep it in the project's directory, show the page
  --data DIRECTORY        where it is kept instead
  --memory                kept in memory only
  --max-disk SIZE         room for it, default 512MiB; of each service the oldest goes first
  --max-memory SIZE       for answers and what is not written yet, default 256MiB
  --max-age DURATION      default 7d
  --grpc-address ADDRESS  default 127.0.0.1:4317; port 0 takes a free one
  --http-address ADDRESS  default 127.0.0.1:4318; the page and questions are answered here too
  --token TOKEN           what everybody has to send, or auto for one that is made up; needed
                          where an address is not this machine's alone
  --allow-host NAME       a name besides localhost under which it is asked
  --allow-origin ORIGIN   a page that may send telemetry, such as http://localhost:3000
  --ports-file PATH       write the ports taken to a file, as {\"grpc\": 4317, \"http\": 4318}
  --print-ports           write the same to standard output, as the first line
  --quiet                 show nothing
receive: the same, kept in memory only, at these addresses or not at all
mcp: answer a Model Context Protocol client on standard input and output, from the viewer that runs
     for this directory, else from one that is started with the options above

show: draw a trace that a running viewer holds, with its log records
  TRACE                   its id or the first digits of it, latest (default), slowest, failed
  --from ADDRESS          the viewer's HTTP address, default 127.0.0.1:4318
  --width COLUMNS         default: the terminal's, or 100
  --wait                  until one has come that began less than a minute ago, and no more of it
                          has come for a second, for six if it was here before; 30 seconds at most
  --compact               without attributes, events and links; log records of warnings and worse
  --all                   every span, however many are alike

ask: --from ADDRESS, --data DIRECTORY for what a viewer left, --format table|json|ndjson,
     --since and --until (-15m, or nanoseconds since the epoch), --limit NUMBER, --sort ORDER,
     --before NEXT for what follows an answer, by the `next` in it
  status                  what arrived, what is kept, what was let go
  traces [QUERY]          with --expect exit status 3 if there is none
  trace [TRACE]           one trace as JSON; `show` draws it
  span TRACE SPAN         one span, whole
  logs [QUERY], patterns [QUERY], tail [QUERY]
  services [QUERY]        calls, errors, durations; who calls whom
  runs [QUERY]            processes that sent spans, each with the query that finds it
  health [SERVICE]        what is wrong with telemetry; --fail-on error|warning|info
  slow QUERY              what these spans have in common; --against QUERY
  compare A B             traces, queries, snapshot:NAME, now; --fail-on 'p95>+20%,errors>0'
  series METRIC           over time; --service, --fn, --by, --filter, --step
  sql STATEMENT           a SELECT over spans, logs, traces, metrics and more
  wait QUERY              until a trace fits; --timeout 10s, --count 1
  export [QUERY]          OTLP/JSON, one document a line; import FILE takes it in (- for standard input)
  snapshot [NAME]         a moment to compare with; without a name they are listed
  pin TRACE, unpin TRACE  kept longest
  clear [SERVICE]         let it all go
  stop                    end the viewer that runs
exit status: 0 fine, 1 a condition does not hold, 2 wrong use, 3 nothing found, 4 no viewer

metrics: draw the metrics of a service, or of all
  --from ADDRESS, --width COLUMNS as above
  --all                   also what the SDK measures of itself

  --color WHEN            always, never, or auto (default: on a terminal without NO_COLOR)
  -h, --help
  -V, --version
";

#[derive(Debug)]
pub(crate) enum Command {
    Start(Box<StartArguments>),
    Show(ShowArguments),
    Metrics(MetricsArguments),
    Ask(Box<AskArguments>),
    Help,
    Version,
}

#[derive(Debug, PartialEq)]
pub(crate) struct StartArguments {
    pub(crate) grpc_address: SocketAddr,
    pub(crate) http_address: SocketAddr,
    /// Whether free ports will do where those are taken.
    pub(crate) may_move: bool,
    pub(crate) data: Option<PathBuf>,
    pub(crate) is_in_memory: bool,
    pub(crate) limits: Limits,
    pub(crate) token: Option<String>,
    pub(crate) hosts: Vec<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) ports_file: Option<PathBuf>,
    pub(crate) print_ports: bool,
    pub(crate) is_quiet: bool,
    /// Whether standard input and output are a Model Context Protocol client's.
    pub(crate) is_mcp: bool,
    pub(crate) colour: Colour,
}

#[derive(Debug, PartialEq)]
pub(crate) struct ShowArguments {
    pub(crate) trace: String,
    pub(crate) from: SocketAddr,
    pub(crate) width: Option<usize>,
    pub(crate) wait: bool,
    pub(crate) compact: bool,
    pub(crate) all: bool,
    pub(crate) colour: Colour,
}

#[derive(Debug, PartialEq)]
pub(crate) struct MetricsArguments {
    /// `None`: every service.
    pub(crate) service: Option<String>,
    pub(crate) from: SocketAddr,
    pub(crate) width: Option<usize>,
    pub(crate) all: bool,
    pub(crate) colour: Colour,
}

pub(crate) fn parse(
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<Command, lexopt::Error> {
    let mut parser = Parser::from_args(arguments);
    match parser.next()? {
        Some(Arg::Value(name)) if name == "start" => start(&mut parser, false),
        Some(Arg::Value(name)) if name == "receive" => start(&mut parser, true),
        Some(Arg::Value(name)) if name == "mcp" => mcp(&mut parser),
        Some(Arg::Value(name)) if name == "show" => show(&mut parser),
        Some(Arg::Value(name)) if name == "metrics" => metrics(&mut parser),
        Some(Arg::Value(name)) if verb(&name).is_some() => match verb(&name) {
            Some(verb) => ask(&mut parser, verb),
            None => Ok(Command::Help),
        },
        Some(Arg::Short('h') | Arg::Long("help")) | None => Ok(Command::Help),
        Some(Arg::Short('V') | Arg::Long("version")) => Ok(Command::Version),
        Some(other) => Err(other.unexpected()),
    }
}

fn start(parser: &mut Parser, is_in_memory: bool) -> Result<Command, lexopt::Error> {
    let mut arguments = StartArguments {
        grpc_address: SocketAddr::from(([127, 0, 0, 1], 4317)),
        http_address: SocketAddr::from(([127, 0, 0, 1], 4318)),
        may_move: !is_in_memory,
        data: None,
        is_in_memory,
        limits: Limits::default(),
        token: None,
        hosts: Vec::new(),
        origins: Vec::new(),
        ports_file: None,
        print_ports: false,
        is_quiet: false,
        is_mcp: false,
        colour: Colour::Auto,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("grpc-address") => arguments.grpc_address = parser.value()?.parse()?,
            Arg::Long("http-address") => arguments.http_address = parser.value()?.parse()?,
            Arg::Long("data") => {
                arguments.data = Some(parser.value()?.into());
                arguments.is_in_memory = false;
            }
            Arg::Long("memory") => arguments.is_in_memory = true,
            Arg::Long("max-disk") => arguments.limits.bytes = size(parser)?,
            Arg::Long("max-memory") => arguments.limits.memory_bytes = size(parser)?,
            Arg::Long("max-age") => {
                let age = parser
                    .value()?
                    .parse_with(|age| duration(age).ok_or("not a duration such as 12h or 7d"))?;
                arguments.limits.age_nanos = age as u64;
            }
            Arg::Long("token") => arguments.token = Some(parser.value()?.string()?),
            Arg::Long("allow-host") => arguments.hosts.push(parser.value()?.string()?),
            Arg::Long("allow-origin") => arguments.origins.push(parser.value()?.string()?),
            Arg::Long("ports-file") => arguments.ports_file = Some(parser.value()?.into()),
            Arg::Long("print-ports") => arguments.print_ports = true,
            Arg::Long("quiet") => arguments.is_quiet = true,
            Arg::Long("color") => arguments.colour = colour(parser)?,
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Start(Box::new(arguments)))
}

/// What starts a viewer, with standard output kept for the client.
fn mcp(parser: &mut Parser) -> Result<Command, lexopt::Error> {
    let command = start(parser, false)?;
    Ok(match command {
        Command::Start(mut arguments) => {
            arguments.is_quiet = true;
            arguments.print_ports = false;
            arguments.is_mcp = true;
            Command::Start(arguments)
        }
        other => other,
    })
}

/// A size in bytes: `512MiB`, `2GB`, `1000000`.
fn size(parser: &mut Parser) -> Result<u64, lexopt::Error> {
    const UNITS: [(&str, u64); 7] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("", 1),
    ];
    parser.value()?.parse_with(|text| {
        let size = UNITS.into_iter().find_map(|(unit, factor)| {
            let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
            number.checked_mul(factor)
        });
        size.filter(|size| *size >= 1 << 20)
            .ok_or("not a size of 1MiB or more, such as 512MiB")
    })
}

fn show(parser: &mut Parser) -> Result<Command, lexopt::Error> {
    let mut arguments = ShowArguments {
        trace: "latest".to_owned(),
        from: SocketAddr::from(([127, 0, 0, 1], 4318)),
        width: None,
        wait: false,
        compact: false,
        all: false,
        colour: Colour::Auto,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(trace) => arguments.trace = trace.string()?,
            Arg::Long("from") => arguments.from = parser.value()?.parse()?,
            Arg::Long("width") => arguments.width = Some(parser.value()?.parse()?),
            Arg::Long("wait") => arguments.wait = true,
            Arg::Long("compact") => arguments.compact = true,
            Arg::Long("all") => arguments.all = true,
            Arg::Long("color") => arguments.colour = colour(parser)?,
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Show(arguments))
}

fn metrics(parser: &mut Parser) -> Result<Command, lexopt::Error> {
    let mut arguments = MetricsArguments {
        service: None,
        from: SocketAddr::from(([127, 0, 0, 1], 4318)),
        width: None,
        all: false,
        colour: Colour::Auto,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(service) => arguments.service = Some(service.string()?),
            Arg::Long("from") => arguments.from = parser.value()?.parse()?,
            Arg::Long("width") => arguments.width = Some(parser.value()?.parse()?),
            Arg::Long("all") => arguments.all = true,
            Arg::Long("color") => arguments.colour = colour(parser)?,
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Metrics(arguments))
}

fn verb(name: &std::ffi::OsStr) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| name == verb.name)
}

fn ask(parser: &mut Parser, verb: &'static Verb) -> Result<Command, lexopt::Error> {
    let mut arguments = AskArguments {
        verb,
        pairs: Vec::new(),
        address: None,
        data: None,
        format: None,
        expects: false,
        conditions: Conditions::default(),
        timeout: Duration::from_secs(10),
        count: 1,
    };
    let mut names = verb.arguments.iter();
    while let Some(argument) = parser.next()? {
        let option = match &argument {
            Arg::Long(name) => verb.options.iter().find(|it| it.0 == *name),
            _ => None,
        };
        if let Some((_, parameter)) = option {
            let value = parser.value()?.string()?;
            arguments.pairs.push(((*parameter).to_owned(), value));
            continue;
        }
        match argument {
            Arg::Value(value) => match names.next() {
                Some(name) => arguments.pairs.push(((*name).to_owned(), value.string()?)),
                None => return Err(Arg::Value(value).unexpected()),
            },
            Arg::Long("from") => arguments.address = Some(parser.value()?.parse()?),
            Arg::Long("data") => arguments.data = Some(parser.value()?.into()),
            Arg::Long("expect") => arguments.expects = true,
            Arg::Long("fail-on") => {
                let text = parser.value()?.string()?;
                arguments.conditions = Conditions::parse(&text)?;
            }
            Arg::Long("count") => arguments.count = parser.value()?.parse()?,
            Arg::Long("timeout") => {
                let nanos = parser
                    .value()?
                    .parse_with(|text| duration(text).ok_or("not a duration such as 10s"))?;
                arguments.timeout = Duration::from_nanos(nanos as u64);
            }
            Arg::Long("format") => {
                arguments.format = Some(parser.value()?.parse_with(|name| match name {
                    "table" => Ok(Format::Table),
                    "json" => Ok(Format::Json),
                    "ndjson" => Ok(Format::Lines),
                    _ => Err("not one of table, json, ndjson"),
                })?);
            }
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    let given = verb.arguments.len() - names.len();
    if given < verb.required {
        let missing = names.next().copied().unwrap_or_default();
        return Err(format!("{} needs {missing}", verb.name).into());
    }
    Ok(Command::Ask(Box::new(arguments)))
}

fn colour(parser: &mut Parser) -> Result<Colour, lexopt::Error> {
    parser.value()?.parse_with(|when| match when {
        "auto" => Ok(Colour::Auto),
        "always" => Ok(Colour::Always),
        "never" => Ok(Colour::Never),
        _ => Err("not one of auto, always, never"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_ports_exporters_expect_on_loopback() {
        let Ok(Command::Start(arguments)) = parse(["start"]) else {
            panic!("start needs no options");
        };
        assert_eq!(arguments.grpc_address.to_string(), "127.0.0.1:4317");
        assert_eq!(arguments.http_address.to_string(), "127.0.0.1:4318");
        assert!(!arguments.print_ports);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (arguments, named) in [
            (vec!["recieve"], "recieve"),
            (vec!["receive", "--gprc-address", "x"], "--gprc-address"),
            (vec!["receive", "--grpc-address", "nowhere"], "nowhere"),
            (vec!["show", "--color", "sometimes"], "sometimes"),
            (vec!["show", "--from"], "--from"),
            (vec!["metrics", "shop", "--compact"], "--compact"),
            (vec!["start", "--max-disk", "much"], "much"),
            (vec!["start", "--max-disk", "10"], "1MiB"),
            (vec!["start", "--max-age", "7"], "7"),
        ] {
            let message = parse(arguments).expect_err("not understood").to_string();
            assert!(message.contains(named), "{message}");
        }
    }
}
