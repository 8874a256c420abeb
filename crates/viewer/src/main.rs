//! An OTLP receiver for a developer's machine: takes traces, metrics and logs over gRPC and HTTP,
//! keeps the newest in memory and draws them in a terminal.

#![forbid(unsafe_code)]

mod arguments;
mod live;
mod logs;
mod metrics;
mod pen;
mod receive;
mod serve;
mod show;
mod signal;
mod store;
mod terminal;
mod text;
mod waterfall;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::net::TcpListener;

use arguments::{Command, HELP, ReceiveArguments};
use live::{LiveView, write_out};
use receive::SharedStore;
use store::{Limits, Store};
use terminal::Terminal;

fn main() -> ExitCode {
    let result = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Command::Receive(arguments)) => receive(&arguments),
        Ok(Command::Show(arguments)) => show::show(&arguments),
        Ok(Command::Metrics(arguments)) => show::show_metrics(&arguments),
        Ok(Command::Help) => write_out(HELP),
        Ok(Command::Version) => {
            write_out(concat!("oxitel-viewer ", env!("CARGO_PKG_VERSION"), "\n"))
        }
        Err(error) => {
            say(&format!("{error}\ntry oxitel-viewer --help"));
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has had enough of it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn say(message: &str) {
    // Where standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "oxitel-viewer: {message}");
}

fn receive(arguments: &ReceiveArguments) -> io::Result<()> {
    // One thread: on a small machine the rest belongs to the program that is looked at.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(receive_until_interrupted(arguments))
}

async fn receive_until_interrupted(arguments: &ReceiveArguments) -> io::Result<()> {
    let terminal = Terminal::of_standard_output(arguments.colour);
    let grpc = bind(arguments.grpc_address).await?;
    let http = bind(arguments.http_address).await?;
    let (grpc_address, http_address) = (grpc.local_addr()?, http.local_addr()?);
    let ports = serde_json::json!({ "grpc": grpc_address.port(), "http": http_address.port() });
    if arguments.print_ports {
        write_out(&format!("{ports}\n"))?;
    }
    if let Some(path) = &arguments.ports_file {
        // Written aside and renamed, so that who waits for it never reads half of it.
        let partial = path.with_extension("partial");
        std::fs::write(&partial, format!("{ports}\n"))?;
        std::fs::rename(&partial, path)?;
    }
    if !arguments.quiet {
        write_out(&format!(
            "receiving OTLP: gRPC at {grpc_address}, HTTP at {http_address}\n\
             see a trace with: oxitel-viewer show --from {http_address}\n\
             and metrics with: oxitel-viewer metrics --from {http_address}\n\n"
        ))?;
    }

    let limits = Limits {
        spans: arguments.max_spans,
        ..Limits::default()
    };
    let store = SharedStore::new(Store::new(limits));
    tokio::spawn(receive::listen(grpc, store.clone()));
    tokio::spawn(receive::listen(http, store.clone()));
    if arguments.quiet {
        return interrupted().await;
    }
    let mut view = LiveView::new(store, terminal);
    tokio::select! {
        result = interrupted() => result?,
        error = view.follow() => return Err(error),
    }
    view.finish()
}

async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen at {address}: {error}"))
    })
}

#[cfg(unix)]
async fn interrupted() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn interrupted() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
