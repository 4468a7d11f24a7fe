//! Building the app into `dist/` and compressing it.

use std::hash::Hasher as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use brotli::enc::BrotliEncoderParams;
use brotli::enc::backward_references::BrotliEncoderMode::{
    BROTLI_FORCE_MSB_PRIOR, BROTLI_MODE_GENERIC,
};

use crate::profile::Late;
use crate::references::References;
use crate::step::{Run, run, say};

/// The app as the linker made it.
const LINKED: &str = "target/wasm32-unknown-unknown/wasm/roost-app.wasm";
/// Files smaller than this are not worth compressing.
const MIN_SIZE: u64 = 200;

/// The standard library built for size and without words for panics, which nobody would read: 23 KB less, compressed.
/// The compiler counts these settings as unstable; the toolchain is pinned, so they are what they are.
const SMALL: &[(&str, &str)] = &[
    ("RUSTC_BOOTSTRAP", "1"),
    ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort"),
    ("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size"),
    (
        "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
        "--cfg erase_components -Csymbol-mangling-version=v0 -Zlocation-detail=none -Zmerge-functions=disabled -Zfmt-debug=none -Zunstable-options -Cpanic=immediate-abort -Clink-arg=--emit-relocs",
    ),
];

/// Has it compiled, whole.
fn compile() -> anyhow::Result<()> {
    say("Building the app and its worker");
    // Trunk works offline, so that it never downloads tools of its own; the crates must be there, those of the standard
    // library too.
    let settings = if crate::setup::has_std_source() {
        SMALL
    } else {
        println!("    without the standard library's source: the app gets larger than it need be");
        &[]
    };
    run("cargo", &["fetch", "--locked", "--quiet"])?;
    Run::new(
        "cargo",
        &[
            "fetch",
            "--locked",
            "--quiet",
            "--target",
            "wasm32-unknown-unknown",
        ],
    )
    .envs(settings)
    .go()?;
    Run::new("trunk", &["build", "--release", "--offline"])
        // Trunk takes this variable for a flag of its own and refuses what CI systems put in it.
        .env("NO_COLOR", "true")
        .envs(settings)
        .go()?;
    Ok(())
}

/// Builds it, and finds out what it need not have at once.
pub fn profile() -> anyhow::Result<()> {
    compile()?;
    crate::profile::run(&built("_bg.wasm")?)
}

/// Builds it. With `names`, functions keep theirs: to find what is called too early, or what is heavy.
pub fn build(names: bool) -> anyhow::Result<()> {
    compile()?;
    crate::editor::bundle()?;
    say("Splitting and compressing the app");
    split(names)?;
    minify()?;
    name_by_content()?;
    list_files()?;
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

/// After flattening, a quick optimization compresses better than one for size (ARCHITECTURE.md, "Numbers").
const OPTIMIZE: [&str; 9] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
    "--flatten",
    "--rereloop",
    "-O1",
];

fn split(names: bool) -> anyhow::Result<()> {
    let (path, script) = (built("_bg.wasm")?, built(".js")?);
    let (module, short) =
        crate::shorten::names(&std::fs::read(&path)?, &std::fs::read_to_string(&script)?)?;
    std::fs::write(script, short)?;
    let late = Late::read()?;
    let references = References::read(&std::fs::read(LINKED)?)?;
    let (first, rest) = crate::split::split(&module, &references, names, |name| late.has(name))?;
    let later = path.to_string_lossy().replace("_bg.wasm", "_rest.wasm");
    std::fs::write(&path, first)?;
    std::fs::write(&later, rest)?;
    // Only now: it folds functions of equal code into one, whose name then says nothing.
    optimize(&path.to_string_lossy(), names)?;
    optimize(&later, names)
}

fn optimize(path: &str, names: bool) -> anyhow::Result<()> {
    let debug: &[&str] = if names { &["--debuginfo"] } else { &[] };
    run(
        "wasm-opt",
        &[&OPTIMIZE[..], debug, &[path, "-o", path]].concat(),
    )
}

/// Takes comments, blanks and long names out of what a start loads beside the module.
fn minify() -> anyhow::Result<()> {
    for path in std::fs::read_dir("dist")?.map(|entry| entry.map(|entry| entry.path())) {
        let path = path?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let extension = path.extension().and_then(|extension| extension.to_str());
        // The editor is small already; what the service worker keeps is filled in afterwards.
        if matches!(extension, Some("js" | "css"))
            && !name.starts_with("editor-")
            && name != "service-worker.js"
        {
            let file = format!("../../dist/{name}");
            Run::new(
                "node_modules/.bin/esbuild",
                &[
                    &file,
                    "--minify",
                    "--log-level=error",
                    "--allow-overwrite",
                    &format!("--outfile={file}"),
                ],
            )
            .directory("app/editor")
            .go()?;
        }
    }
    Ok(())
}

/// Files of one name are cached for ever, so they must always have the same content: the name that trunk gave the app
/// knows nothing of what was done to it since.
fn name_by_content() -> anyhow::Result<()> {
    const INDEX: &str = "dist/index.html";
    let paths = [built(".js")?, built("_bg.wasm")?, built("_rest.wasm")?];
    let mut hash = std::hash::DefaultHasher::new();
    for path in &paths {
        hash.write(&std::fs::read(path)?);
    }
    let before = paths[0].file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("roost-app-{:016x}", hash.finish());
    for path in &paths {
        std::fs::rename(path, path.to_string_lossy().replace(&*before, &name))?;
    }
    let index = std::fs::read_to_string(INDEX)?;
    std::fs::write(INDEX, index.replace(&*before, &name))?;
    Ok(())
}

/// The built file of the app whose name ends so.
fn built(end: &str) -> anyhow::Result<PathBuf> {
    std::fs::read_dir("dist")?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            name.starts_with("roost-app-") && name.ends_with(end)
        })
        .with_context(|| format!("trunk made no roost-app-…{end}"))
}

/// Tells the service worker what the app is made of, and names this version by all of it.
fn list_files() -> anyhow::Result<()> {
    const WORKER: &str = "dist/service-worker.js";
    // The document is asked for by the place it stands for; the frame has two, with a policy each.
    let mut files = vec!["/".to_owned(), "/frame-images.html".to_owned()];
    let mut version = std::hash::DefaultHasher::new();
    let mut paths: Vec<PathBuf> = std::fs::read_dir("dist")?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let compressed = path.extension().is_some_and(|extension| extension == "br");
        if path.is_dir() || compressed || path == Path::new(WORKER) {
            continue;
        }
        version.write(&std::fs::read(&path)?);
        if name != "index.html" {
            files.push(format!("/{name}"));
        }
    }
    let worker = std::fs::read_to_string(WORKER)?;
    let filled = worker
        .replace("\"unbuilt\"", &format!("\"{:016x}\"", version.finish()))
        .replace("FILES = []", &format!("FILES = {files:?}"));
    ensure!(filled != worker, "the service worker names no files");
    std::fs::write(WORKER, filled)?;
    Ok(())
}

fn compress(path: &Path) -> anyhow::Result<usize> {
    let content = std::fs::read(path)?;
    let mut compressed = Vec::new();
    // Of code, the high bits of a byte say best what follows; and half a megabyte back is far enough. Tried: 2 % less.
    let (mode, lgwin) = match path.extension() {
        Some(extension) if extension == "wasm" => (BROTLI_FORCE_MSB_PRIOR, 19),
        _ => (BROTLI_MODE_GENERIC, 22),
    };
    let parameters = BrotliEncoderParams {
        quality: 11,
        lgwin,
        mode,
        size_hint: content.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut content.as_slice(), &mut compressed, &parameters)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".br");
    std::fs::write(name, &compressed)?;
    Ok(compressed.len())
}
