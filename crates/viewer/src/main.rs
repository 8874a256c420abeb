//! An OTLP receiver for a developer's machine: takes traces, metrics and logs over gRPC and HTTP,
//! keeps them, and shows them in a browser and in a terminal, to people and to programs.

mod api;
mod command;
mod compare;
mod draw;
mod health;
mod ids;
mod mcp;
mod metrics;
mod otlp;
mod query;
mod receive;
mod search;
mod secrets;
mod server;
mod sql;
mod store;
#[cfg(test)]
mod testing;
mod text;
mod trace;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::run(std::env::args_os().skip(1))
}
