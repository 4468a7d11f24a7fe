//! What functions and data refer to, as the linker wrote it beside the module (`--emit-relocs`; tool-conventions,
//! "Linking", "Relocation Sections").

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use anyhow::{Context as _, bail, ensure};
use wasmparser::{
    DataKind, KnownCustom, Linking, Name, Parser, Payload, RelocationEntry, RelocationType,
    SymbolInfo,
};

/// What somebody holds the address of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A function, by its name.
    Function(String),
    /// A piece of [`References::data`].
    Data(usize),
}

/// A piece of data that has a name of its own.
#[derive(Debug)]
pub struct Data {
    /// Where it lies in memory.
    pub place: Range<u32>,
    pub refers_to: Vec<Target>,
}

/// See the module's first lines. Of a module without such sections: nothing.
#[derive(Debug, Default)]
pub struct References {
    functions: HashMap<String, Vec<Target>>,
    pub data: Vec<Data>,
}

impl References {
    /// What a function holds the addresses of; whom it calls is not among that.
    pub fn of(&self, function: &str) -> &[Target] {
        self.functions.get(function).map_or(&[], Vec::as_slice)
    }

    /// Whether the linker knew a function: others came later.
    pub fn knows(&self, function: &str) -> bool {
        self.functions.contains_key(function)
    }

    /// The functions that somebody holds the address of.
    pub fn held(&self) -> HashSet<&str> {
        let data = self.data.iter().map(|data| &data.refers_to);
        self.functions
            .values()
            .chain(data)
            .flatten()
            .filter_map(|target| match target {
                Target::Function(name) => Some(name.as_str()),
                Target::Data(_) => None,
            })
            .collect()
    }

    /// Reads them from a module as the linker made it.
    pub fn read(module: &[u8]) -> anyhow::Result<Self> {
        Sections::read(module)?.references()
    }
}

/// The parts of a module that tell.
#[derive(Default)]
struct Sections<'a> {
    /// Where functions and data begin in the file.
    code: usize,
    data: usize,
    imported_functions: u32,
    /// Functions by the names they are exported as.
    exports: Vec<(&'a str, u32)>,
    bodies: Vec<Range<usize>>,
    /// Of each segment of data: where it lies in memory, and in the file.
    segments: Vec<(u32, Range<usize>)>,
    names: HashMap<u32, String>,
    symbols: Vec<SymbolInfo<'a>>,
    of_code: Vec<RelocationEntry>,
    of_data: Vec<RelocationEntry>,
}

impl<'a> Sections<'a> {
    fn read(module: &'a [u8]) -> anyhow::Result<Self> {
        let mut sections = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        if matches!(import?.ty, wasmparser::TypeRef::Func(_)) {
                            sections.imported_functions += 1;
                        }
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        if export.kind == wasmparser::ExternalKind::Func {
                            sections.exports.push((export.name, export.index));
                        }
                    }
                }
                Payload::CodeSectionStart { range, .. } => sections.code = range.start,
                Payload::CodeSectionEntry(body) => sections.bodies.push(body.range()),
                Payload::DataSection(reader) => {
                    sections.data = reader.range().start;
                    for segment in reader {
                        let segment = segment?;
                        let DataKind::Active { offset_expr, .. } = segment.kind else {
                            bail!("data that is not where it belongs from the start");
                        };
                        let mut offset = offset_expr.get_operators_reader();
                        let wasmparser::Operator::I32Const { value } = offset.read()? else {
                            bail!("data at a place that is not known");
                        };
                        let end = segment.range.end;
                        let place = end - segment.data.len()..end;
                        sections.segments.push((value.cast_unsigned(), place));
                    }
                }
                Payload::CustomSection(custom) => {
                    sections.custom(custom.name(), custom.as_known())?;
                }
                _ => {}
            }
        }
        Ok(sections)
    }

    fn custom(&mut self, name: &str, custom: KnownCustom<'a>) -> anyhow::Result<()> {
        match custom {
            KnownCustom::Name(names) => {
                for name in names {
                    if let Name::Function(functions) = name? {
                        for naming in functions {
                            let naming = naming?;
                            self.names.insert(naming.index, naming.name.to_owned());
                        }
                    }
                }
            }
            KnownCustom::Linking(linking) => {
                for part in linking.subsections() {
                    if let Linking::SymbolTable(symbols) = part? {
                        self.symbols = symbols.into_iter().collect::<Result<_, _>>()?;
                    }
                }
            }
            KnownCustom::Reloc(relocations) => {
                let entries = relocations.entries().into_iter();
                let entries = entries.collect::<Result<_, _>>()?;
                match name {
                    "reloc.CODE" => self.of_code = entries,
                    "reloc.DATA" => self.of_data = entries,
                    // About debugging.
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn references(&self) -> anyhow::Result<References> {
        let mut references = References::default();
        // Several symbols may be names of the same piece.
        let mut pieces: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        let mut piece_of: HashMap<usize, usize> = HashMap::new();
        for (number, symbol) in self.symbols.iter().enumerate() {
            if let SymbolInfo::Data {
                symbol: Some(symbol),
                ..
            } = symbol
                && let Some((start, _)) = self.segments.get(symbol.index as usize)
            {
                let place = start + symbol.offset..start + symbol.offset + symbol.size;
                let piece = *pieces.entry((place.start, place.end)).or_insert_with(|| {
                    references.data.push(Data {
                        place,
                        refers_to: Vec::new(),
                    });
                    references.data.len() - 1
                });
                piece_of.insert(number, piece);
            }
        }
        for name in self.names.values() {
            references.functions.insert(name.clone(), Vec::new());
        }
        for entry in &self.of_code {
            if let Some(target) = self.target(entry, &piece_of)? {
                let at = self.code + entry.offset as usize;
                let body = self.bodies.partition_point(|body| body.end <= at);
                ensure!(
                    self.bodies.get(body).is_some_and(|body| body.contains(&at)),
                    "a reference that is in no function"
                );
                let name = self.name(self.imported_functions + u32::try_from(body)?)?;
                let known = references.functions.entry(name.to_owned()).or_default();
                known.push(target);
            }
        }
        // wasm-bindgen calls functions what they are exported as, up to a hash.
        for &(export, function) in &self.exports {
            let known = references.functions.get(self.name(function)?).cloned();
            let called = match export.rsplit_once('_') {
                Some((called, hash)) if hash.len() == 16 => called,
                _ => export,
            };
            let targets = references.functions.entry(called.to_owned()).or_default();
            targets.extend(known.unwrap_or_default());
        }
        for entry in &self.of_data {
            if let Some(target) = self.target(entry, &piece_of)? {
                let at = self.data + entry.offset as usize;
                let (start, place) = self
                    .segments
                    .iter()
                    .find(|(_, place)| place.contains(&at))
                    .context("a reference that is in no segment")?;
                let address = start + u32::try_from(at - place.start)?;
                // Every piece that it may be part of.
                for data in &mut references.data {
                    if data.place.contains(&address) {
                        data.refers_to.push(target.clone());
                    }
                }
            }
        }
        Ok(references)
    }

    fn name(&self, function: u32) -> anyhow::Result<&str> {
        self.names
            .get(&function)
            .map(String::as_str)
            .context("a function without a name")
    }

    /// What a relocation puts in; `None` where that is no address.
    fn target(
        &self,
        entry: &RelocationEntry,
        piece_of: &HashMap<usize, usize>,
    ) -> anyhow::Result<Option<Target>> {
        let number = entry.index as usize;
        Ok(match entry.ty {
            RelocationType::TableIndexSleb | RelocationType::TableIndexI32 => {
                let Some(SymbolInfo::Func { index, .. }) = self.symbols.get(number) else {
                    bail!("a function that is none");
                };
                Some(Target::Function(self.name(*index)?.to_owned()))
            }
            RelocationType::MemoryAddrLeb
            | RelocationType::MemoryAddrSleb
            | RelocationType::MemoryAddrI32 => piece_of.get(&number).copied().map(Target::Data),
            RelocationType::FunctionIndexLeb
            | RelocationType::TypeIndexLeb
            | RelocationType::GlobalIndexLeb
            | RelocationType::TableNumberLeb => None,
            other => bail!("a relocation of a kind that is not expected: {other:?}"),
        })
    }
}
