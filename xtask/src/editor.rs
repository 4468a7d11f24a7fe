//! The editor for rich text: an npm package of our own (`app/editor`), bundled into `dist/` as one module.

use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::step::{Run, say};

/// How `public/boot.js` calls it.
const NAME: &str = "/editor.js";

/// Bundles it under a name that says what is in it, so that browsers may keep it for ever, and tells the bootstrap.
pub fn bundle() -> anyhow::Result<()> {
    say("Bundling the editor");
    let path = Path::new("dist/editor.js");
    Run::new("node", &["build.mjs", "../../dist/editor.js"])
        .directory("app/editor")
        .go()?;
    let hashed = format!("/editor-{:016x}.js", hash(&std::fs::read(path)?));
    std::fs::rename(path, format!("dist{hashed}"))?;
    let boot = std::fs::read_to_string("dist/boot.js").context("trunk copied no boot.js")?;
    ensure!(boot.contains(NAME), "public/boot.js does not load {NAME}");
    std::fs::write("dist/boot.js", boot.replace(NAME, &hashed))?;
    Ok(())
}

/// FNV-1a, 64 bits.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
