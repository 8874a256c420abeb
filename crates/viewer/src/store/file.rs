//! The file behind the store: one SQLite database of sealed blocks and of a journal, which holds
//! what is not sealed yet as it arrived. A request is in the journal before it is acknowledged.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::BufferKey;
use super::block::{Block, Content};
use crate::otlp::Signal;

pub(crate) const NAME: &str = "telemetry.sqlite";
/// "OxVw": whose file it is, in its header.
const APPLICATION: i32 = 0x4f78_5677;
/// Of the tables below and of what their blobs hold.
const VERSION: i32 = 1;
/// How long the other side of a lock is waited for.
const BUSY: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
CREATE TABLE block (
    id INTEGER PRIMARY KEY, signal INTEGER NOT NULL, service TEXT NOT NULL,
    is_rescued INTEGER NOT NULL, records INTEGER NOT NULL, errors INTEGER NOT NULL,
    first_unix_nanos INTEGER NOT NULL, last_unix_nanos INTEGER NOT NULL,
    received_unix_nanos INTEGER NOT NULL, bytes INTEGER NOT NULL,
    columns BLOB NOT NULL, items BLOB NOT NULL
);
CREATE TABLE journal (
    id INTEGER PRIMARY KEY, signal INTEGER NOT NULL, service TEXT NOT NULL,
    is_rescued INTEGER NOT NULL, content BLOB NOT NULL
);
CREATE TABLE note (name TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;
";

/// All of a block but its blobs, side by side: read from the table, a start with a gigabyte would
/// fetch a page for each of some thousand blocks. Made where it is missing, as nothing depends on it.
const SUMMARY: &str = "
CREATE INDEX IF NOT EXISTS summary ON block (
    id, signal, service, is_rescued, records, errors, first_unix_nanos, last_unix_nanos,
    received_unix_nanos, bytes
);
";

/// Why a directory cannot be used.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// Another viewer writes to it.
    Taken(PathBuf),
    /// It holds something that is not ours, or of another version; it was not touched.
    Foreign(PathBuf, String),
    Failed(PathBuf, String),
}

impl fmt::Display for Unusable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(path) => {
                write!(
                    formatter,
                    "another viewer keeps its data in {}",
                    path.display()
                )
            }
            Self::Foreign(path, what) => {
                write!(formatter, "{} {what}; it is left as it is", path.display())
            }
            Self::Failed(path, why) => {
                write!(formatter, "{} cannot be used: {why}", path.display())
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct File {
    connection: Connection,
    path: PathBuf,
    /// Which file it was that was opened.
    identity: Option<Identity>,
    /// Holds the lock that keeps a second viewer away.
    _lock: Option<Connection>,
}

/// A row of the journal.
pub(super) struct Journaled {
    pub(super) key: BufferKey,
    pub(super) content: Vec<u8>,
}

impl File {
    /// Opens or makes the file in a directory, which is made for its owner alone.
    pub(super) fn open(directory: &Path) -> Result<Self, Unusable> {
        let failed =
            |error: &dyn fmt::Display| Unusable::Failed(directory.to_owned(), error.to_string());
        make_private(directory).map_err(|error| failed(&error))?;
        // The path to it may lead over links, the file itself may be none.
        let directory = directory.canonicalize().map_err(|error| failed(&error))?;
        let path = directory.join(NAME);
        check(&path)?;
        let lock = lock(&directory.join("viewer.lock")).map_err(|error| match error {
            rusqlite::Error::SqliteFailure(code, _)
                if code.code == rusqlite::ErrorCode::DatabaseBusy =>
            {
                Unusable::Taken(directory.clone())
            }
            error => failed(&error),
        })?;
        let connection = connect(&path).map_err(|error| failed(&error))?;
        Ok(Self {
            identity: identity(&path),
            path,
            connection,
            _lock: Some(lock),
        })
    }

    /// A file that was deleted can still be written to, and nobody will ever read it.
    fn check_place(&self) -> rusqlite::Result<()> {
        if identity(&self.path) == self.identity {
            return Ok(());
        }
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY_DBMOVED);
        let message = format!("{} was deleted or moved", self.path.display());
        Err(rusqlite::Error::SqliteFailure(code, Some(message)))
    }

    pub(super) fn blocks(&self, mut number: impl FnMut() -> u64) -> rusqlite::Result<Vec<Block>> {
        let mut statement = self.connection.prepare(
            "SELECT id, signal, service, is_rescued, records, errors, first_unix_nanos,
                    last_unix_nanos, received_unix_nanos, bytes FROM block INDEXED BY summary ORDER BY id",
        )?;
        let rows = statement.query_map([], |row| {
            let service: String = row.get(2)?;
            Ok(Signal::numbered(row.get(1)?)
                .map(|signal| Block {
                    key: number(),
                    signal,
                    service: service.into(),
                    is_rescued: false,
                    records: 0,
                    errors: 0,
                    first: 0,
                    last: 0,
                    received: 0,
                    bytes: 0,
                    content: Content::File(row.get(0).unwrap_or_default()),
                })
                .map(|mut block| {
                    let number = |column| row.get::<_, i64>(column).unwrap_or_default() as u64;
                    block.is_rescued = number(3) != 0;
                    block.records = number(4);
                    block.errors = number(5);
                    block.first = number(6);
                    block.last = number(7);
                    block.received = number(8);
                    block.bytes = number(9);
                    block
                }))
        })?;
        rows.filter_map(Result::transpose).collect()
    }

    pub(super) fn journaled(&self) -> rusqlite::Result<Vec<Journaled>> {
        let mut statement = self
            .connection
            .prepare("SELECT signal, service, is_rescued, content FROM journal ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            let service: String = row.get(1)?;
            let is_rescued = row.get(2)?;
            let content = row.get(3)?;
            Ok(Signal::numbered(row.get(0)?).map(|signal| Journaled {
                key: BufferKey {
                    signal,
                    service: service.into(),
                    is_rescued,
                },
                content,
            }))
        })?;
        rows.filter_map(Result::transpose).collect()
    }

    /// Writes groups to the journal, all or none.
    pub(super) fn journal<'a>(
        &mut self,
        groups: impl Iterator<Item = (&'a BufferKey, &'a [u8])>,
    ) -> rusqlite::Result<()> {
        self.check_place()?;
        let transaction = self.connection.transaction()?;
        {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO journal (signal, service, is_rescued, content) VALUES (?, ?, ?, ?)",
            )?;
            for (key, content) in groups {
                statement.execute(params![
                    key.signal.number(),
                    key.service.as_ref(),
                    key.is_rescued,
                    content
                ])?;
            }
        }
        transaction.commit()
    }

    /// Puts a block in the place of its rows in the journal; gives its row.
    pub(super) fn seal(
        &mut self,
        block: &Block,
        columns: &[u8],
        items: &[u8],
    ) -> rusqlite::Result<i64> {
        let transaction = self.connection.transaction()?;
        let row = {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO block (signal, service, is_rescued, records, errors,
                    first_unix_nanos, last_unix_nanos, received_unix_nanos, bytes, columns, items)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?;
            statement.insert(params![
                block.signal.number(),
                block.service.as_ref(),
                block.is_rescued,
                block.records as i64,
                block.errors as i64,
                block.first as i64,
                block.last as i64,
                block.received as i64,
                (columns.len() + items.len()) as i64,
                columns,
                items
            ])?
        };
        transaction
            .prepare_cached(
                "DELETE FROM journal WHERE signal = ? AND service = ? AND is_rescued = ?",
            )?
            .execute(params![
                block.signal.number(),
                block.service.as_ref(),
                block.is_rescued
            ])?;
        transaction.commit()?;
        Ok(row)
    }

    /// Lets a block go; what of it is to stay goes into the journal in the same step.
    pub(super) fn replace(
        &mut self,
        row: i64,
        rescued: &[(BufferKey, Vec<u8>)],
    ) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for (key, content) in rescued {
            transaction
                .prepare_cached(
                    "INSERT INTO journal (signal, service, is_rescued, content) VALUES (?, ?, ?, ?)",
                )?
                .execute(params![
                    key.signal.number(),
                    key.service.as_ref(),
                    key.is_rescued,
                    content
                ])?;
        }
        transaction
            .prepare_cached("DELETE FROM block WHERE id = ?")?
            .execute([row])?;
        transaction.commit()
    }

    pub(super) fn note(&self, name: &str) -> rusqlite::Result<Option<String>> {
        self.connection
            .query_row("SELECT content FROM note WHERE name = ?", [name], |row| {
                row.get(0)
            })
            .optional()
    }

    pub(super) fn set_note(&self, name: &str, content: &str) -> rusqlite::Result<()> {
        self.connection.execute(
            "INSERT INTO note VALUES (?1, ?2) ON CONFLICT DO UPDATE SET content = ?2",
            [name, content],
        )?;
        Ok(())
    }
}

/// Connections that read, as many as there are readers at once.
#[derive(Debug, Default)]
pub(super) struct Readers {
    path: Option<PathBuf>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Self {
            path,
            idle: Mutex::default(),
        })
    }

    /// A column of a block; `None` if the block is gone.
    pub(super) fn blob(&self, row: i64, column: &str) -> io::Result<Option<Vec<u8>>> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = &self.path else {
            return Ok(None);
        };
        let known = idle().pop();
        let connection = match known {
            Some(connection) => connection,
            None => read_only(path).map_err(io::Error::other)?,
        };
        let blob = connection
            .prepare_cached(&format!("SELECT {column} FROM block WHERE id = ?"))
            .and_then(|mut statement| statement.query_row([row], |row| row.get(0)).optional())
            .map_err(io::Error::other);
        idle().push(connection);
        blob
    }

    /// Gives the memory of their caches back.
    pub(super) fn rest(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.clear();
    }
}

fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    let version: i32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 {
        connection.execute_batch("PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL;")?;
    }
    // A write is safe from the program's end once it was handed to the system, and from the
    // machine's at the next checkpoint.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -2048;
         PRAGMA journal_size_limit = 16777216; PRAGMA trusted_schema = OFF;",
    )?;
    if version == 0 {
        let transaction = connection.transaction()?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    connection.execute_batch(SUMMARY)?;
    Ok(connection)
}

/// Makes sure that a file that is there is ours, before anything writes to it.
fn check(path: &Path) -> Result<(), Unusable> {
    let foreign = |what: &str| Unusable::Foreign(path.to_owned(), what.to_owned());
    let found = match std::fs::symlink_metadata(path) {
        Err(_) => {
            create_private(path)
                .map_err(|error| Unusable::Failed(path.to_owned(), error.to_string()))?;
            return Ok(());
        }
        Ok(found) => found,
    };
    if !found.is_file() {
        return Err(foreign("is no regular file"));
    }
    if found.len() == 0 {
        return Ok(());
    }
    let numbers = read_only(path).and_then(|connection| {
        let pragma = |name: &str| {
            connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i32>(0))
        };
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((pragma("application_id")?, pragma("user_version")?, tables))
    });
    match numbers {
        Ok((APPLICATION, VERSION, _)) | Ok((0, 0, 0)) => Ok(()),
        Ok((APPLICATION, version, _)) => Err(foreign(&format!(
            "is of version {version}, and this viewer reads version {VERSION}"
        ))),
        Ok(_) => Err(foreign("is another program's database")),
        Err(error) => Err(foreign(&format!("is no database of a viewer ({error})"))),
    }
}

fn lock(path: &Path) -> rusqlite::Result<Connection> {
    if std::fs::symlink_metadata(path).is_err() {
        let _ = create_private(path);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch("BEGIN EXCLUSIVE")?;
    Ok(connection)
}

/// Device and number of a file.
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Elsewhere a file that is open cannot be deleted.
#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    None
}

#[cfg(unix)]
fn make_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn make_private(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)
}

/// SQLite's other files take their permissions from this one.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
