//! The command line.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

use crate::store::Limits;
use crate::terminal::Colour;

pub(crate) const HELP: &str = "\
Receives OTLP and shows what arrived.

usage: oxitel-viewer receive [OPTIONS]
       oxitel-viewer show [TRACE] [OPTIONS]
       oxitel-viewer metrics [SERVICE] [OPTIONS]

receive: take OTLP over gRPC and HTTP/protobuf and show the totals until interrupted
  --grpc-address ADDRESS  default 127.0.0.1:4317; port 0 takes a free one
  --http-address ADDRESS  default 127.0.0.1:4318; questions are answered here too (GET /)
  --ports-file PATH       write the ports taken to a file, as {\"grpc\": 4317, \"http\": 4318}
  --print-ports           write the same to standard output, as the first line
  --max-spans NUMBER      spans kept, default 100000; the oldest traces go first
  --quiet                 show nothing

show: draw a trace that a running viewer holds, with its log records
  TRACE                   its id or the first digits of it, latest (default), slowest, failed
  --from ADDRESS          the viewer's HTTP address, default 127.0.0.1:4318
  --width COLUMNS         default: the terminal's, or 100
  --compact               without attributes, events and links; log records of warnings and worse
  --all                   every span, however many are alike

metrics: draw the metrics of a service, or of all
  --from ADDRESS, --width COLUMNS as above
  --all                   also what the SDK measures of itself

  --color WHEN            always, never, or auto (default: on a terminal without NO_COLOR)
  -h, --help
  -V, --version
";

#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Receive(ReceiveArguments),
    Show(ShowArguments),
    Metrics(MetricsArguments),
    Help,
    Version,
}

#[derive(Debug, PartialEq)]
pub(crate) struct ReceiveArguments {
    pub(crate) grpc_address: SocketAddr,
    pub(crate) http_address: SocketAddr,
    pub(crate) ports_file: Option<PathBuf>,
    pub(crate) print_ports: bool,
    pub(crate) max_spans: usize,
    pub(crate) quiet: bool,
    pub(crate) colour: Colour,
}

#[derive(Debug, PartialEq)]
pub(crate) struct ShowArguments {
    pub(crate) trace: String,
    pub(crate) from: SocketAddr,
    pub(crate) width: Option<usize>,
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
        Some(Arg::Value(name)) if name == "receive" => receive(&mut parser),
        Some(Arg::Value(name)) if name == "show" => show(&mut parser),
        Some(Arg::Value(name)) if name == "metrics" => metrics(&mut parser),
        Some(Arg::Short('h') | Arg::Long("help")) | None => Ok(Command::Help),
        Some(Arg::Short('V') | Arg::Long("version")) => Ok(Command::Version),
        Some(other) => Err(other.unexpected()),
    }
}

fn receive(parser: &mut Parser) -> Result<Command, lexopt::Error> {
    let mut arguments = ReceiveArguments {
        grpc_address: SocketAddr::from(([127, 0, 0, 1], 4317)),
        http_address: SocketAddr::from(([127, 0, 0, 1], 4318)),
        ports_file: None,
        print_ports: false,
        max_spans: Limits::default().spans,
        quiet: false,
        colour: Colour::Auto,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("grpc-address") => arguments.grpc_address = parser.value()?.parse()?,
            Arg::Long("http-address") => arguments.http_address = parser.value()?.parse()?,
            Arg::Long("ports-file") => arguments.ports_file = Some(parser.value()?.into()),
            Arg::Long("print-ports") => arguments.print_ports = true,
            Arg::Long("max-spans") => arguments.max_spans = parser.value()?.parse()?,
            Arg::Long("quiet") => arguments.quiet = true,
            Arg::Long("color") => arguments.colour = colour(parser)?,
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Receive(arguments))
}

fn show(parser: &mut Parser) -> Result<Command, lexopt::Error> {
    let mut arguments = ShowArguments {
        trace: "latest".to_owned(),
        from: SocketAddr::from(([127, 0, 0, 1], 4318)),
        width: None,
        compact: false,
        all: false,
        colour: Colour::Auto,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Value(trace) => arguments.trace = trace.string()?,
            Arg::Long("from") => arguments.from = parser.value()?.parse()?,
            Arg::Long("width") => arguments.width = Some(parser.value()?.parse()?),
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
        let Ok(Command::Receive(arguments)) = parse(["receive"]) else {
            panic!("receive needs no options");
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
        ] {
            let message = parse(arguments).expect_err("not understood").to_string();
            assert!(message.contains(named), "{message}");
        }
    }
}
