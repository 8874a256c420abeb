//! The viewer that runs, as what answers a Model Context Protocol client.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use serde_json::{Value, json};

use super::client::{self, Reply};
use crate::api::explained;
use crate::mcp::{Pairs, Source};

pub(super) struct Remote(pub(super) SocketAddr);

type Answering<'a> = Pin<Box<dyn Future<Output = Result<Value, String>> + Send + 'a>>;

impl Source for Remote {
    fn ask<'a>(&'a self, path: &'a str, pairs: Pairs) -> Answering<'a> {
        let (address, path) = (self.0, client::path(path, &pairs));
        Box::pin(apart(move || client::get(address, &path)))
    }

    fn mark<'a>(&'a self, name: &'a str) -> Answering<'a> {
        let (address, body) = (self.0, json!({ "name": name }).to_string());
        Box::pin(apart(move || {
            client::post(address, "/api/snapshots", body.as_bytes())
        }))
    }
}

async fn apart(
    exchange: impl FnOnce() -> io::Result<Reply> + Send + 'static,
) -> Result<Value, String> {
    let reply = tokio::task::spawn_blocking(exchange).await;
    let reply = reply
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    let body: Value = serde_json::from_str(&reply.body).map_err(|error| error.to_string())?;
    if reply.status == 200 {
        Ok(body)
    } else {
        Err(explained(&body))
    }
}
