//! The views as SQLite's virtual tables: a cursor goes through the blocks, and only the columns
//! that a statement uses are made.

#![expect(
    unsafe_code,
    reason = "SQLite's virtual tables are C structures; the traits say that theirs comes first"
)]

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_int};
use std::marker::PhantomData;
use std::sync::Arc;

use rusqlite::ffi;
use rusqlite::types::Value;
use rusqlite::vtab::{Context, Filters, IndexInfo, Module, VTab, VTabConnection, VTabCursor};
use rusqlite::{Connection, Result};

use super::views::{VIEWS, View};
use crate::secrets;
use crate::store::{Block, Store};

/// With `redacts`, what is secret is left out of the rows.
pub(super) fn register(connection: &Connection, store: &Store, redacts: bool) -> Result<()> {
    const MODULE: &Module<'_, Table> = &Module::eponymous_only_module();
    for view in VIEWS {
        connection.create_module(view.name, MODULE, Some((store.clone(), view, redacts)))?;
    }
    Ok(())
}

#[repr(C)]
struct Table {
    /// First, as SQLite sees only this.
    base: ffi::sqlite3_vtab,
    store: Store,
    view: &'static View,
    redacts: bool,
}

// SAFETY: the structure is `repr(C)` and begins with `sqlite3_vtab`.
unsafe impl<'vtab> VTab<'vtab> for Table {
    type Aux = (Store, &'static View, bool);
    type Cursor = Cursor<'vtab>;

    fn connect(
        _: &mut VTabConnection,
        aux: Option<&Self::Aux>,
        _module_name: &[u8],
        _database_name: &[u8],
        _table_name: &[u8],
        _arguments: &[&[u8]],
    ) -> Result<(Cow<'static, CStr>, Self)> {
        let Some((store, view, redacts)) = aux else {
            return Err(rusqlite::Error::InvalidQuery);
        };
        let columns: Vec<String> = view
            .columns
            .iter()
            .map(|(name, kind, _)| format!("\"{name}\" {kind}"))
            .collect();
        let schema = CString::new(format!("CREATE TABLE x({})", columns.join(", ")))?;
        let table = Self {
            base: ffi::sqlite3_vtab::default(),
            store: store.clone(),
            view,
            redacts: *redacts,
        };
        Ok((Cow::Owned(schema), table))
    }

    fn best_index(&self, info: &mut IndexInfo) -> Result<bool> {
        info.set_estimated_cost(1e6);
        info.set_idx_num((info.col_used() & 0x7fff_ffff) as c_int);
        Ok(true)
    }

    fn open(&'vtab mut self) -> Result<Cursor<'vtab>> {
        Ok(Cursor {
            base: ffi::sqlite3_vtab_cursor::default(),
            store: self.store.clone(),
            view: self.view,
            redacts: self.redacts,
            blocks: Vec::new(),
            used: 0,
            rows: Vec::new(),
            row: 0,
            number: 0,
            table: PhantomData,
        })
    }
}

#[repr(C)]
struct Cursor<'vtab> {
    /// First, as SQLite sees only this.
    base: ffi::sqlite3_vtab_cursor,
    store: Store,
    view: &'static View,
    redacts: bool,
    /// Still to be read, the next one last.
    blocks: Vec<Arc<Block>>,
    /// A bit for each column that is used.
    used: u32,
    rows: Vec<Vec<Value>>,
    row: usize,
    number: i64,
    table: PhantomData<&'vtab Table>,
}

impl Cursor<'_> {
    /// Goes on to the next block that has rows.
    fn fill(&mut self) {
        while self.row >= self.rows.len() {
            self.row = 0;
            self.rows.clear();
            let Some(block) = self.blocks.pop() else {
                return;
            };
            self.rows = (self.view.rows)(&self.store, &block, self.used);
            self.leave_out_secrets();
        }
    }

    fn leave_out_secrets(&mut self) {
        if self.redacts {
            let (key, value) = (self.view.column("key"), self.view.column("value"));
            for row in &mut self.rows {
                redact(row, key, value);
            }
        }
    }
}

/// Leaves what is secret out of a row: in objects of JSON, and in a value beside its key.
fn redact(row: &mut [Value], key: Option<usize>, value: Option<usize>) {
    for cell in row.iter_mut() {
        if let Value::Text(text) = cell
            && text.starts_with('{')
            && let Ok(mut read) = serde_json::from_str(text)
        {
            secrets::redact_map(&mut read);
            *text = read.to_string();
        }
    }
    let key = key.and_then(|key| row.get(key));
    let has_secret = matches!(key, Some(Value::Text(key)) if secrets::is_secret(key));
    if has_secret && let Some(cell) = value.and_then(|value| row.get_mut(value)) {
        *cell = Value::Text(secrets::REDACTED.to_owned());
    }
}

// SAFETY: the structure is `repr(C)` and begins with `sqlite3_vtab_cursor`.
unsafe impl VTabCursor for Cursor<'_> {
    fn filter(&mut self, used: c_int, _: Option<&str>, _: &Filters<'_>) -> Result<()> {
        self.used = used.cast_unsigned();
        if self.redacts
            && let Some(key) = self.view.column("key")
        {
            self.used |= 1 << key;
        }
        self.row = 0;
        self.number = 0;
        self.rows.clear();
        self.blocks.clear();
        match self.view.signal {
            Some(signal) => {
                self.blocks = self.store.snapshot(signal);
                self.blocks.reverse();
            }
            None => {
                self.rows = (self.view.all)(&self.store);
                self.leave_out_secrets();
            }
        }
        self.fill();
        Ok(())
    }

    fn next(&mut self) -> Result<()> {
        self.row += 1;
        self.number += 1;
        self.fill();
        Ok(())
    }

    fn eof(&self) -> bool {
        self.row >= self.rows.len()
    }

    fn column(&self, context: &mut Context, column: c_int) -> Result<()> {
        let row = self.rows.get(self.row);
        let value = row.and_then(|row| row.get(usize::try_from(column).ok()?));
        context.set_result(value.unwrap_or(&Value::Null))
    }

    fn rowid(&self) -> Result<i64> {
        Ok(self.number)
    }
}
