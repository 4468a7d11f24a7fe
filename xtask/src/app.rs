//! Building the app into `dist/` and compressing it.

use std::path::Path;

use anyhow::Context as _;

use crate::step::{Run, cargo, say};

/// Files smaller than this are not worth compressing.
const MIN_SIZE: u64 = 200;

pub fn build() -> anyhow::Result<()> {
    say("Building the app and its worker");
    // Trunk works offline, so that it never downloads tools of its own; the crates must be there.
    cargo(&["fetch", "--locked", "--quiet"])?;
    Run::new("trunk", &["build", "--release", "--offline"])
        // Trunk takes this variable for a flag of its own and refuses what CI systems put in it.
        .env("NO_COLOR", "true")
        .go()?;
    say("Compressing the app");
    let mut total = 0;
    for entry in std::fs::read_dir("dist").context("trunk made no dist/")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension != "br")
            && path.metadata()?.len() > MIN_SIZE
        {
            total += compress(&path)?;
        }
    }
    println!("    dist/ has {total} bytes, compressed");
    Ok(())
}

fn compress(path: &Path) -> anyhow::Result<usize> {
    let content = std::fs::read(path)?;
    let mut compressed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 11,
        lgwin: 22,
        size_hint: content.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut content.as_slice(), &mut compressed, &parameters)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".br");
    std::fs::write(name, &compressed)?;
    Ok(compressed.len())
}
