//! Who listens at an address that is taken, as far as it tells or the system does.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use super::client;

/// In words, with the number of the process.
pub(super) fn holder(address: SocketAddr) -> Option<String> {
    viewer(address).or_else(|| process(address.port(), Path::new("/proc")))
}

fn viewer(address: SocketAddr) -> Option<String> {
    let status = client::get_soon(address, "/api/status").ok()?;
    let status: serde_json::Value = serde_json::from_str(&status.body).ok()?;
    let pid = status.get("pid")?.as_u64()?;
    Some(format!("another viewer (process {pid})"))
}

/// The process that listens at a port. Linux only, and only processes that may be looked at.
fn process(port: u16, proc: &Path) -> Option<String> {
    let sockets: Vec<String> = ["net/tcp", "net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(proc.join(table)).ok())
        .flat_map(|table| listening(&table, port))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    if sockets.is_empty() {
        return None;
    }
    let processes = fs::read_dir(proc).ok()?.flatten();
    for folder in processes {
        let Some(pid) = folder
            .file_name()
            .to_str()
            .and_then(|it| it.parse::<u32>().ok())
        else {
            continue;
        };
        let files = fs::read_dir(folder.path().join("fd")).into_iter().flatten();
        let has_it = files.flatten().any(|file| {
            fs::read_link(file.path())
                .is_ok_and(|to| sockets.iter().any(|it| to.as_os_str() == it.as_str()))
        });
        if has_it {
            let name = fs::read_to_string(folder.path().join("comm")).unwrap_or_default();
            let name = crate::text::clean(name.trim(), true);
            return Some(format!("{name} (process {pid})"));
        }
    }
    None
}

/// The numbers of the sockets that listen at a port, from a table of the kernel's.
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let wanted = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let is_it = fields.get(1)?.ends_with(&wanted) && *fields.get(3)? == LISTEN;
            is_it.then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_table_tells_who_listens() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:10DE 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1\n   1: 0100007F:10DE 0100007F:A000 01 00000000:00000000 00:00000000 00000000     0        0 4243 1\n";
        assert_eq!(listening(table, 4318), ["4242"]);
        assert!(listening(table, 4317).is_empty() && listening("", 1).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_listens_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let told = process(port, Path::new("/proc")).expect("this process");
        let pid = std::process::id();
        assert!(told.ends_with(&format!("(process {pid})")), "{told}");
    }
}
