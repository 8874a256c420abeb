//! The command line: what each verb does.

mod arguments;
mod ask;
mod client;
mod conditions;
mod directory;
mod holder;
mod remote;
mod show;
mod start;
mod table;
mod verbs;

use std::io::{self, Write};
use std::process::ExitCode;

use arguments::{Command, HELP};

/// What scripts are told by: fine, a condition did not hold, wrong use, nothing there, no viewer.
pub(crate) const USAGE: u8 = 2;

pub(crate) fn run(arguments: impl Iterator<Item = std::ffi::OsString>) -> ExitCode {
    let result = match arguments::parse(arguments) {
        Ok(Command::Start(arguments)) => start::start(&arguments).map(|()| ExitCode::SUCCESS),
        Ok(Command::Show(arguments)) => show::show(&arguments).map(|()| ExitCode::SUCCESS),
        Ok(Command::Metrics(arguments)) => {
            show::show_metrics(&arguments).map(|()| ExitCode::SUCCESS)
        }
        Ok(Command::Ask(arguments)) => ask::ask(&arguments),
        Ok(Command::Help) => write_out(HELP).map(|()| ExitCode::SUCCESS),
        Ok(Command::Version) => {
            let version = concat!("oxitel-viewer ", env!("CARGO_PKG_VERSION"), "\n");
            write_out(version).map(|()| ExitCode::SUCCESS)
        }
        Err(error) => {
            say(&format!("{error}\ntry oxitel-viewer --help"));
            return ExitCode::from(USAGE);
        }
    };
    match result {
        Ok(code) => code,
        // Whoever read our output has had enough of it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn say(message: &str) {
    // Where standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "oxitel-viewer: {message}");
}

pub(crate) fn write_out(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}
