//! Finding out what a cold start needs: which functions of the app run until the inbox shows, and in the moments after.
//!
//! `cargo xtask profile` builds the app with a mark in every function, has a browser sign in, start again, and do what
//! people do first (`tests/browser/profile.mjs`), and writes the names of the functions that nobody needed to
//! [`LATE`]. The split reads it (`super::split`).

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, ensure};
use walrus::ir::{MemArg, StoreKind, Value};
use walrus::{Module, ModuleConfig};

use crate::step::{Run, say};

/// What a module exports the marks as: one byte a function.
const MARKS: &str = "marks";
const PAGE: u64 = 64 * 1024;

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

/// Instruments the app that was built into `dist`, runs the browser, and writes `late`.
pub fn run(wasm: &Path, late: &Path) -> anyhow::Result<()> {
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
    let name = |number: usize| {
        names
            .get(number)
            .map(|name| super::app::without_hashes(name))
    };
    let early: BTreeSet<String> = called.iter().copied().filter_map(name).collect();
    let unused: BTreeSet<String> = (0..names.len())
        .filter_map(name)
        .filter(|name| !early.contains(name))
        .collect();
    println!("    {} of {} functions run", called.len(), names.len());
    std::fs::write(
        late,
        unused.into_iter().collect::<Vec<_>>().join("\n") + "\n",
    )?;
    Ok(())
}
