//! Finding out what a cold start needs: which functions of the app run until the inbox shows, and in the moments after.
//!
//! `cargo xtask profile` builds the app with a mark in every function, has a browser sign in, start again, and do what
//! people do first (`tests/browser/profile.mjs`), and writes down which functions nobody needed ([`FILE`]): those are
//! late (`super::split`). A function that the file does not know, because it is newer, is not.

use std::collections::{BTreeSet, HashSet};
use std::hash::Hasher as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use walrus::ir::{MemArg, StoreKind, Value};
use walrus::{Module, ModuleConfig};

use crate::step::{Run, say};

/// What a module exports the marks as: one byte a function.
const MARKS: &str = "marks";
const PAGE: u64 = 64 * 1024;
/// The functions that no start needed: of each the hash of its name, since names are long, on a line.
const FILE: &str = "xtask/late-functions.txt";

/// The functions that come late.
pub struct Late(HashSet<String>);

impl Late {
    pub fn read() -> anyhow::Result<Self> {
        let file = std::fs::read_to_string(FILE).context(FILE)?;
        Ok(Self(file.lines().map(str::to_owned).collect()))
    }

    /// Whether a function of that name does.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(&hash(name))
    }
}

/// Names as people read them, without the hashes of crates, which change with every version.
fn hash(name: &str) -> String {
    let name = rustc_demangle::demangle(name).to_string();
    let mut pieces = name.split('[');
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(pieces.next().unwrap_or_default().as_bytes());
    for piece in pieces {
        let piece = piece.trim_start_matches(|c: char| c.is_ascii_hexdigit());
        hasher.write(piece.as_bytes());
    }
    format!("{:016x}", hasher.finish())
}

/// Puts a mark into every function; also the functions' names, in the order of their marks.
fn instrument(module: &[u8]) -> anyhow::Result<(Vec<u8>, Vec<String>)> {
    let mut module: Module = ModuleConfig::new().parse(module)?;
    let functions: Vec<_> = module.funcs.iter_local().map(|(id, _)| id).collect();
    let pages = (functions.len() as u64).div_ceil(PAGE);
    let marks = module
        .memories
        .add_local(false, false, pages, Some(pages), None);
    module.exports.add(MARKS, marks);
    let mut names = Vec::new();
    for (number, id) in functions.into_iter().enumerate() {
        names.push(module.funcs.get(id).name.clone().unwrap_or_default());
        let body = module.funcs.get_mut(id).kind.unwrap_local_mut();
        body.builder_mut()
            .func_body()
            .const_at(0, Value::I32(i32::try_from(number)?))
            .const_at(1, Value::I32(1))
            .store_at(
                2,
                marks,
                StoreKind::I32_8 { atomic: false },
                MemArg {
                    align: 1,
                    offset: 0,
                },
            );
    }
    Ok((module.emit_wasm(), names))
}

/// Instruments the app that was built into `dist`, whole, runs the browser, and writes [`FILE`].
pub fn run(wasm: &Path) -> anyhow::Result<()> {
    let (marked, names) = instrument(&std::fs::read(wasm)?)?;
    std::fs::write(wasm, marked)?;
    // Where a start brings in the rest, it hands over the exports: the marks among them.
    let script = std::fs::read_to_string("dist/rest.js")?;
    let told = script.replace(
        "(imports.first = exports)",
        &format!("(imports.first = exports, globalThis.roostMarks = exports.{MARKS})"),
    );
    ensure!(told != script, "rest.js takes no exports");
    std::fs::write("dist/rest.js", told)?;
    say("Starting the app in a browser");
    let called = Path::new("target/profile.json");
    Run::new("node", &["profile.mjs"])
        .directory("tests/browser")
        .go()?;
    let called: BTreeSet<usize> = std::fs::read_to_string(called)
        .context("the browser told nothing")?
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    let hashes = |numbers: &mut dyn Iterator<Item = usize>| -> BTreeSet<String> {
        numbers
            .filter_map(|number| names.get(number))
            .map(|name| hash(name))
            .collect()
    };
    let early = hashes(&mut called.iter().copied());
    let late: Vec<String> = hashes(&mut (0..names.len()))
        .difference(&early)
        .cloned()
        .collect();
    println!(
        "    {} of {} functions were called",
        called.len(),
        names.len()
    );
    std::fs::write(FILE, late.join("\n") + "\n")?;
    Ok(())
}
