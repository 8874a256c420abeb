//! Where a project's data lies, and how a viewer that runs on it is found.

use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::draw::terminal::variable;

const NOTE: &str = "viewer.json";

/// The directory of the project that this is called in: `$XDG_STATE_HOME/oxitel/` and a name made
/// of the working directory. `None` where there is no home.
pub(crate) fn of_project() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    let state = variable("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(|it| it.is_absolute());
    let state = match state {
        Some(state) => state,
        None => {
            let home = variable("HOME").or_else(|| variable("LOCALAPPDATA"))?;
            PathBuf::from(home).join(".local/state")
        }
    };
    Some(state.join("oxitel").join(name(&here)))
}

/// The last part of a path, for people, and a number made of all of it.
fn name(path: &Path) -> String {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    path.hash(&mut hasher);
    let last = path
        .file_name()
        .map(|it| it.to_string_lossy())
        .unwrap_or_default();
    let last: String = last
        .chars()
        .map(|it| {
            if it.is_ascii_alphanumeric() || "-_.".contains(it) {
                it
            } else {
                '_'
            }
        })
        .take(40)
        .collect();
    format!("{last}-{:016x}", hasher.finish())
}

/// FNV-1a: the same in every version of the program.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Notes where the viewer that has this directory answers.
pub(crate) fn note(directory: &Path, grpc: SocketAddr, http: SocketAddr) {
    let note =
        json!({ "pid": std::process::id(), "grpc": grpc.to_string(), "http": http.to_string() });
    // Who cannot find it this way can still be told the address.
    let _ = std::fs::write(directory.join(NOTE), format!("{note}\n"));
}

pub(crate) fn forget(directory: &Path) {
    let _ = std::fs::remove_file(directory.join(NOTE));
}

/// Where the viewer takes gRPC and answers that has, or had, this directory.
pub(crate) fn noted(directory: &Path) -> Option<(SocketAddr, SocketAddr)> {
    let note = std::fs::read_to_string(directory.join(NOTE)).ok()?;
    let note: Value = serde_json::from_str(&note).ok()?;
    let address = |key: &str| note.get(key)?.as_str()?.parse().ok();
    Some((address("grpc")?, address("http")?))
}
