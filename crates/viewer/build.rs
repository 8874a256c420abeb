//! Packs the page's files (`web/index.html` and what is below `web/assets`) and lists them, so that
//! the program holds them and a new one needs no line anywhere.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() -> Result<(), Box<dyn Error>> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    println!("cargo::rerun-if-changed=web");
    let mut files = vec![web.join("index.html")];
    collect(&web.join("assets"), &mut files);
    files.sort();
    let out = out()?;
    let mut list = String::from("const FILES: &[(&str, &[u8], &str)] = &[\n");
    for (number, file) in files.iter().enumerate() {
        println!("cargo::rerun-if-changed={}", file.display());
        let content = fs::read(file)?;
        let name = file.strip_prefix(&web)?.display().to_string();
        let name = name.replace('\\', "/");
        // FNV-1a: tells versions of a file apart, and need do no more.
        let tag = content.iter().fold(0xcbf2_9ce4_8422_2325_u64, |tag, byte| {
            (tag ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&content)?;
        let packed = out.join(format!("{number}.gz"));
        fs::write(&packed, encoder.finish()?)?;
        let packed = packed.display().to_string();
        // A weak tag, as it stands for the file packed and unpacked.
        writeln!(
            list,
            "    (\"/{name}\", include_bytes!({packed:?}), \"W/\\\"{tag:016x}\\\"\"),"
        )?;
    }
    list.push_str("];\n");
    fs::write(out.join("files.rs"), list)?;
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells build scripts their folder in a variable"
)]
fn out() -> Result<PathBuf, Box<dyn Error>> {
    Ok(std::env::var_os("OUT_DIR")
        .ok_or("OUT_DIR is not set")?
        .into())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
