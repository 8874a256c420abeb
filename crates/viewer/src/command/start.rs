//! Runs the viewer: takes OTLP, keeps it, answers questions and shows the page, until it is
//! interrupted.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::arguments::StartArguments;
use super::holder::holder;
use super::remote::Remote;
use super::{client, directory, say, write_out};
use crate::api;
use crate::draw::live::LiveView;
use crate::draw::terminal::Terminal;
use crate::mcp;
use crate::receive::Receiver;
use crate::server::{Access, Server};
use crate::store::{Intake, Store, Unusable, Writer};

pub(super) fn start(arguments: &StartArguments) -> io::Result<()> {
    // One thread for the network, one for the writer, and some that answer: on a small machine the
    // rest belongs to the program that is looked at.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_keep_alive(std::time::Duration::from_secs(10))
        .build()?;
    let result = runtime.block_on(until_interrupted(arguments));
    // The writer has handed over what it acknowledged; who still asks is not waited for.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    result
}

async fn until_interrupted(arguments: &StartArguments) -> io::Result<()> {
    let terminal = Terminal::of_standard_output(arguments.colour);
    let access = access(arguments)?;
    let wanted = wanted_directory(arguments);
    if let Some((grpc, http)) = wanted.as_deref().and_then(running) {
        tell_ports(arguments, grpc, http)?;
        if arguments.is_mcp {
            return mcp::over_standard_io(Arc::new(Remote(http))).await;
        }
        return write_out(&format!(
            "a viewer for this directory runs already: http://{http}\n"
        ));
    }
    let grpc = bind(arguments.grpc_address, arguments.may_move).await?;
    let http = bind(arguments.http_address, arguments.may_move).await?;
    let (grpc_address, http_address) = (grpc.local_addr()?, http.local_addr()?);
    let (store, writer, data) = open(arguments, wanted);
    let intake = Intake::start(writer);
    let mut context = api::Context::new(store.clone(), Some(intake.clone()));
    let stopping = Arc::clone(&context.stopping);
    context.grpc_address = Some(grpc_address);
    context.http_address = Some(http_address);
    let questions = api::router(context.clone()).merge(mcp::router(context.clone()));
    let receiver = Receiver {
        store: store.clone(),
        intake,
    };
    let server = Server::new(receiver, questions, access);
    tokio::spawn(tell_trouble(store.clone()));
    tokio::spawn(server.clone().listen(grpc));
    tokio::spawn(server.listen(http));
    if let Some(data) = &data {
        directory::note(data, grpc_address, http_address);
    }
    announce(arguments, &store, grpc_address, http_address)?;
    let result = if arguments.is_mcp {
        tokio::select! {
            result = ended(&stopping) => result,
            result = mcp::over_standard_io(Arc::new(context)) => result,
        }
    } else if arguments.is_quiet {
        ended(&stopping).await
    } else {
        let mut view = LiveView::new(store, terminal);
        tokio::select! {
            result = ended(&stopping) => result.and_then(|()| view.finish()),
            error = view.follow() => Err(error),
        }
    };
    if let Some(data) = &data {
        directory::forget(data);
    }
    result
}

fn access(arguments: &StartArguments) -> io::Result<Access> {
    let addresses = [arguments.grpc_address, arguments.http_address];
    let is_open = addresses
        .iter()
        .any(|it| !it.ip().to_canonical().is_loopback());
    let token = arguments.token.clone();
    if is_open && token.is_none() {
        return Err(io::Error::other(
            "beyond this machine the viewer listens with a token only: give one as --token \
             (in containers, too), or --token auto for one that is made up",
        ));
    }
    let token = match token.as_deref() {
        Some("auto") => {
            let token = made_up_token();
            write_out(&format!("token: {token}\n"))?;
            Some(token)
        }
        Some(short) if short.len() < 12 => {
            return Err(io::Error::other("--token: 12 characters or more, or auto"));
        }
        _ => token,
    };
    Ok(Access {
        token,
        hosts: arguments.hosts.clone(),
        origins: arguments.origins.clone(),
    })
}

/// Keys of the standard library's hash maps come from the system's source of randomness.
fn made_up_token() -> String {
    use std::hash::{BuildHasher, RandomState};
    let part = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", part(), part())
}

fn wanted_directory(arguments: &StartArguments) -> Option<PathBuf> {
    match (&arguments.data, arguments.is_in_memory) {
        (_, true) => None,
        (Some(data), false) => Some(data.clone()),
        (None, false) => directory::of_project(),
    }
}

/// The addresses of a viewer that runs on this directory.
fn running(data: &std::path::Path) -> Option<(SocketAddr, SocketAddr)> {
    let addresses = directory::noted(data)?;
    let status = client::get_soon(addresses.1, "/api/status").ok()?;
    let status: serde_json::Value = serde_json::from_str(&status.body).ok()?;
    let path = status.get("store")?.get("path")?.as_str()?;
    let is_same = std::path::Path::new(path).parent()? == data.canonicalize().ok()?;
    is_same.then_some(addresses)
}

/// The store in the directory, else in memory; says why.
fn open(arguments: &StartArguments, wanted: Option<PathBuf>) -> (Store, Writer, Option<PathBuf>) {
    match Store::open(wanted.clone(), arguments.limits) {
        Ok((store, writer)) => (store, writer, wanted),
        Err(why) => {
            let why: Unusable = why;
            say(&format!("{why}; what arrives is kept in memory only"));
            let (store, writer) = Store::in_memory(arguments.limits);
            store.lock().trouble = Some(format!("{why}; what arrives is kept in memory only"));
            (store, writer, None)
        }
    }
}

/// Says what goes wrong with the data later; what opening it found was said already.
async fn tell_trouble(store: Store) {
    let mut told = store.lock().trouble.clone();
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let trouble = store.lock().trouble.clone();
        if let Some(text) = trouble.as_ref().filter(|_| trouble != told) {
            say(text);
        }
        told = trouble;
    }
}

/// Writes the ports to where they were asked for.
fn tell_ports(arguments: &StartArguments, grpc: SocketAddr, http: SocketAddr) -> io::Result<()> {
    let ports = serde_json::json!({ "grpc": grpc.port(), "http": http.port() });
    if arguments.print_ports {
        write_out(&format!("{ports}\n"))?;
    }
    if let Some(path) = &arguments.ports_file {
        // Written aside and renamed, so that who waits for it never reads half of it.
        let partial = path.with_extension("partial");
        std::fs::write(&partial, format!("{ports}\n"))?;
        std::fs::rename(&partial, path)?;
    }
    Ok(())
}

fn announce(
    arguments: &StartArguments,
    store: &Store,
    grpc: SocketAddr,
    http: SocketAddr,
) -> io::Result<()> {
    tell_ports(arguments, grpc, http)?;
    if arguments.is_quiet {
        return Ok(());
    }
    let place = match &store.lock().path {
        Some(path) => format!("in {}", path.display()),
        None => "in memory".to_owned(),
    };
    let limit = arguments.limits.bytes / (1024 * 1024);
    write_out(&format!(
        "the page:        http://{http}\n\
         receiving OTLP:  gRPC at {grpc}, HTTP at {http}\n\
         data:            {place}, {limit} MiB at most\n\
         in a terminal:   oxitel-viewer show --from {http}, oxitel-viewer metrics --from {http}\n\
         Ctrl-C ends it\n\n"
    ))
}

/// Listens at an address, or at a free port of it where that is taken and another will do.
async fn bind(address: SocketAddr, may_move: bool) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let by = holder(address)
                .map(|it| format!(" by {it}"))
                .unwrap_or_default();
            if !may_move {
                let message = format!("cannot listen at {address}: it is taken{by}");
                return Err(io::Error::new(error.kind(), message));
            }
            let listener = TcpListener::bind(SocketAddr::new(address.ip(), 0)).await?;
            let used = listener.local_addr()?;
            say(&format!("{address} is taken{by}; {used} is used instead"));
            Ok(listener)
        }
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!("cannot listen at {address}: {error}"),
        )),
    }
}

/// Returns when the viewer is interrupted, or asked to end.
async fn ended(stopping: &tokio::sync::Notify) -> io::Result<()> {
    tokio::select! {
        result = interrupted() => result,
        () = stopping.notified() => {
            // Whoever asked gets the answer first.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            Ok(())
        }
    }
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
