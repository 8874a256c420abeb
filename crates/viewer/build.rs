//! Lists the page's files (`web/index.html` and what is below `web/assets`), so that the program
//! holds them and a new one needs no line anywhere.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    println!("cargo::rerun-if-changed=web");
    let mut files = vec![web.join("index.html")];
    collect(&web.join("assets"), &mut files);
    files.sort();
    let mut list = String::from("const FILES: &[(&str, &[u8], &str)] = &[\n");
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        let content = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let name = file.strip_prefix(&web).expect("a file below web");
        let name = name.to_str().expect("a name in UTF-8").replace('\\', "/");
        // FNV-1a: tells versions of a file apart, and need do no more.
        let tag = content.iter().fold(0xcbf2_9ce4_8422_2325_u64, |tag, byte| {
            (tag ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        writeln!(
            list,
            "    (\"/{name}\", include_bytes!({:?}), \"\\\"{tag:016x}\\\"\"),",
            file.display().to_string()
        )
        .expect("a text can be written to");
    }
    list.push_str("];\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("files.rs"), list).expect("OUT_DIR can be written to");
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
