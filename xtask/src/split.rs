//! Splitting the app's module in two: what shows the inbox, and the rest, which the browser fetches once the inbox shows.
//!
//! A function of the rest that the first half calls is left there as a stub. It calls through the table of functions, in
//! which the rest puts itself when it is instantiated. Where a stub is called before that, it has the rest loaded at once
//! (`load_rest` in `app/worker/src/rest.rs`): slower, never wrong. Nothing in the sources knows on which side it is.
//!
//! The halves share memory, tables and globals; the rest imports them, and the functions it calls, from the first half's
//! exports. Data and slots of the table that only the rest refers to ([`References`]) come with it: until then nobody can
//! know of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use anyhow::{Context as _, ensure};
use walrus::ir::{Const, Value, Visitor, dfs_in_order};
use walrus::{
    ConstExpr, DataKind, ElementItems, ElementKind, ExportItem, FunctionBuilder, FunctionId,
    FunctionKind, GlobalKind, ImportedFunction, Module, ModuleConfig, TableId, TypeId, ValType,
};

use crate::references::{References, Target};

/// The module name of what the rest imports from the first half. `public/rest.js` knows it too.
const FIRST: &str = "first";
/// The exported function that loads the rest and returns when it is there.
const LOAD: &str = "load_rest";
/// A function of so many instructions is hardly larger than its stub.
const SMALL: u64 = 20;
/// A function of the first half of so many instructions costs the rest less than an export costs the first half.
const COPIED: u64 = 24;

/// Splits a module. A function is late, and goes into the rest, if `is_late` says so of its name, or if only late
/// functions reach it.
///
/// Returns the first half and the rest, with the names of functions if `names`.
pub fn split(
    module: &[u8],
    references: &References,
    names: bool,
    is_late: impl Fn(&str) -> bool,
) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let mut config = ModuleConfig::new();
    config
        .generate_name_section(names)
        .generate_producers_section(false);
    let parse = || {
        let mut module = config.parse(module)?;
        // What the linker wrote is not true any more.
        let stale = |name: &str| name == "linking" || name.starts_with("reloc.");
        let customs = module
            .customs
            .iter()
            .filter(|(_, custom)| stale(custom.name()));
        for id in customs.map(|(id, _)| id).collect::<Vec<_>>() {
            module.customs.delete(id);
        }
        anyhow::Ok(module)
    };
    let mut first = parse()?;
    let mut rest = parse()?;
    // The same bytes make the same functions in the same order.
    let counterpart: HashMap<FunctionId, FunctionId> = first
        .funcs
        .iter()
        .zip(rest.funcs.iter())
        .map(|(one, other)| (one.id(), other.id()))
        .collect();
    let load = first
        .exports
        .get_func(LOAD)
        .context("the app has no load_rest")?;
    let halves = Halves::of(&first, references, load, is_late)?;
    let shared = used_by(&first, &halves.late);
    let entered = halves.entered(&first);

    let table = function_table(&first)?;
    let offset = first.tables.get(table).initial;
    let size = offset + entered.len() as u64;
    let mut slots: BTreeMap<u64, FunctionId> = take_slots(&mut first, &halves, load)?
        .into_iter()
        .chain((offset..).zip(entered.iter().copied()))
        .collect();
    for id in slots.values_mut() {
        *id = counterpart[id];
    }
    let data = take_data(&mut first, &halves.late_data(references))?;

    // The rest: late functions in the table, everything else from the first half.
    let imports = share(&mut first, &shared);
    import_from_first(&mut rest, &imports, &counterpart);
    finish_rest(&mut rest, &slots, data, size)?;

    // The first half: stubs.
    let mut passages: HashMap<TypeId, FunctionId> = HashMap::new();
    for (index, id) in entered.iter().enumerate() {
        let slot = i32::try_from(offset).context("a table too large")? + index as i32;
        let ty = first.funcs.get(*id).ty();
        let passage = match passages.get(&ty) {
            Some(&passage) => passage,
            None => {
                let passage = passage(&mut first, ty, table, load);
                passages.insert(ty, passage);
                passage
            }
        };
        put_stub(&mut first, *id, passage, slot);
    }
    let grown = first.tables.get_mut(table);
    grown.initial = size;
    grown.maximum = Some(size);
    walrus::passes::gc::run(&mut first);
    Ok((first.emit_wasm(), rest.emit_wasm()))
}

/// What belongs to which half.
struct Halves {
    /// Every local function that nothing reaches at the start without passing through a function that is late by name.
    late: HashSet<FunctionId>,
    /// Functions of either kind whose address somebody may hold before the rest is there.
    held: HashSet<FunctionId>,
    /// Pieces of data that somebody may look at before the rest is there.
    data: HashSet<usize>,
}

impl Halves {
    fn of(
        module: &Module,
        references: &References,
        load: FunctionId,
        is_late: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Self> {
        let mut by_name: HashMap<&str, Vec<FunctionId>> = HashMap::new();
        for (id, _) in module.funcs.iter_local() {
            by_name.entry(name(module, id)).or_default().push(id);
        }
        let named: HashSet<FunctionId> = module
            .funcs
            .iter_local()
            .map(|(id, _)| id)
            // `load`, which loads the rest, is not.
            .filter(|&id| id != load && is_late(name(module, id)))
            .collect();
        ensure!(
            !named.is_empty(),
            "the module has no names, or nothing in it is late"
        );
        // A function in the table that nobody refers to is there for somebody who is not known.
        let known = references.held();
        let mut held: HashSet<FunctionId> = in_table(module)
            .filter(|&id| !known.contains(name(module, id)))
            .collect();
        let mut early = HashSet::new();
        let mut data = HashSet::new();
        let mut open: Vec<FunctionId> = held.iter().copied().collect();
        open.extend(exported(module).chain(module.start));
        while let Some(id) = open.pop() {
            if named.contains(&id) || !early.insert(id) {
                continue;
            }
            open.extend(called_by(module, id));
            ensure!(
                references.data.is_empty()
                    || references.knows(name(module, id))
                    || !has_addresses(module, id, references),
                "nobody knows what {} refers to",
                name(module, id)
            );
            let mut targets: Vec<&Target> = references.of(name(module, id)).iter().collect();
            while let Some(target) = targets.pop() {
                match target {
                    Target::Function(name) => {
                        for &id in by_name.get(name.as_str()).into_iter().flatten() {
                            held.insert(id);
                            open.push(id);
                        }
                    }
                    Target::Data(piece) => {
                        if data.insert(*piece) {
                            targets.extend(&references.data[*piece].refers_to);
                        }
                    }
                }
            }
        }
        let late = module
            .funcs
            .iter_local()
            .map(|(id, _)| id)
            .filter(|id| !early.contains(id))
            .collect();
        let mut halves = Self { late, held, data };
        halves.keep_small_ones(module, references, &by_name);
        Ok(halves)
    }

    /// One that is no larger than its stub had better be there itself, if that brings in nothing else.
    fn keep_small_ones(
        &mut self,
        module: &Module,
        references: &References,
        by_name: &HashMap<&str, Vec<FunctionId>>,
    ) {
        loop {
            let entered: HashSet<FunctionId> = self.entered(module).into_iter().collect();
            let is_there = |target: &Target| match target {
                Target::Function(name) => by_name
                    .get(name.as_str())
                    .is_none_or(|ids| ids.iter().all(|id| self.held.contains(id))),
                Target::Data(piece) => self.data.contains(piece),
            };
            let small: Vec<FunctionId> = entered
                .iter()
                .copied()
                .filter(|&id| {
                    size(module, id) <= SMALL
                        && called_by(module, id)
                            .iter()
                            .all(|called| !self.late.contains(called) || entered.contains(called))
                        && references.of(name(module, id)).iter().all(is_there)
                })
                .collect();
            if small.is_empty() {
                return;
            }
            for id in small {
                self.late.remove(&id);
            }
        }
    }

    /// The late functions that the first half calls, exports, or holds; always in the same order.
    fn entered(&self, module: &Module) -> Vec<FunctionId> {
        let entered: HashSet<FunctionId> = module
            .funcs
            .iter_local()
            .map(|(id, _)| id)
            .filter(|id| !self.late.contains(id))
            .flat_map(|id| called_by(module, id))
            .chain(exported(module))
            .chain(module.start)
            .chain(self.held.iter().copied())
            .filter(|id| self.late.contains(id))
            .collect();
        in_order(module, &entered)
    }

    /// The places in memory that only late functions look at, ascending and apart from one another.
    fn late_data(&self, references: &References) -> Vec<Range<u32>> {
        // Pieces may overlap: what is in one that is looked at stays.
        let early: Vec<&Range<u32>> = self
            .data
            .iter()
            .map(|&piece| &references.data[piece].place)
            .collect();
        let mut late: Vec<Range<u32>> = (0..references.data.len())
            .filter(|piece| !self.data.contains(piece))
            .map(|piece| references.data[piece].place.clone())
            .filter(|place| {
                !early
                    .iter()
                    .any(|e| e.start < place.end && place.start < e.end)
            })
            .filter(|place| !place.is_empty())
            .collect();
        late.sort_by_key(|place| place.start);
        late.dedup_by(|next, before| {
            let joins = next.start <= before.end;
            if joins {
                before.end = before.end.max(next.end);
            }
            joins
        });
        late
    }
}

/// Whether a constant in a function may be the address of a piece of data.
fn has_addresses(module: &Module, id: FunctionId, references: &References) -> bool {
    struct Constants(Vec<u32>);
    impl Visitor<'_> for Constants {
        fn visit_const(&mut self, constant: &Const) {
            if let Value::I32(value) = constant.value {
                self.0.push(value.cast_unsigned());
            }
        }
    }
    let mut constants = Constants(Vec::new());
    if let FunctionKind::Local(function) = &module.funcs.get(id).kind {
        dfs_in_order(&mut constants, function, function.entry_block());
    }
    let is_address = |value: &u32| {
        references
            .data
            .iter()
            .any(|data| data.place.contains(value))
    };
    constants.0.iter().any(is_address)
}

fn name(module: &Module, id: FunctionId) -> &str {
    module.funcs.get(id).name.as_deref().unwrap_or_default()
}

/// How many instructions a function has.
fn size(module: &Module, id: FunctionId) -> u64 {
    match &module.funcs.get(id).kind {
        FunctionKind::Local(function) => function.size(),
        _ => 0,
    }
}

fn exported(module: &Module) -> impl Iterator<Item = FunctionId> + '_ {
    module
        .exports
        .iter()
        .filter_map(|export| match export.item {
            ExportItem::Function(id) => Some(id),
            _ => None,
        })
}

fn in_table(module: &Module) -> impl Iterator<Item = FunctionId> + '_ {
    module
        .elements
        .iter()
        .flat_map(|element| match &element.items {
            ElementItems::Functions(ids) => ids.clone(),
            ElementItems::Expressions(_, expressions) => expressions
                .iter()
                .filter_map(|expression| match expression {
                    ConstExpr::RefFunc(id) => Some(*id),
                    _ => None,
                })
                .collect(),
        })
}

fn called_by(module: &Module, id: FunctionId) -> Vec<FunctionId> {
    struct Called(Vec<FunctionId>);
    impl Visitor<'_> for Called {
        fn visit_function_id(&mut self, function: &FunctionId) {
            self.0.push(*function);
        }
    }
    let mut called = Called(Vec::new());
    if let FunctionKind::Local(function) = &module.funcs.get(id).kind {
        dfs_in_order(&mut called, function, function.entry_block());
    }
    called.0
}

/// The functions of the first half, and the imported ones, that the rest calls there; always in the same order. Of small
/// ones it has copies.
fn used_by(module: &Module, late: &HashSet<FunctionId>) -> Vec<FunctionId> {
    let mut used = HashSet::new();
    let mut copied = HashSet::new();
    let mut open: Vec<FunctionId> = late.iter().copied().collect();
    while let Some(id) = open.pop() {
        for called in called_by(module, id) {
            if late.contains(&called) {
                continue;
            }
            let local = matches!(module.funcs.get(called).kind, FunctionKind::Local(_));
            if !local || size(module, called) > COPIED {
                used.insert(called);
            } else if copied.insert(called) {
                open.push(called);
            }
        }
    }
    in_order(module, &used)
}

fn in_order(module: &Module, functions: &HashSet<FunctionId>) -> Vec<FunctionId> {
    module
        .funcs
        .iter()
        .map(walrus::Function::id)
        .filter(|id| functions.contains(id))
        .collect()
}

fn function_table(module: &Module) -> anyhow::Result<TableId> {
    module
        .tables
        .main_function_table()?
        .context("the module has no table of functions")
}

/// Exports the functions, under numbers: names of their own would have to be transmitted.
fn share(first: &mut Module, functions: &[FunctionId]) -> Vec<(FunctionId, String)> {
    let shared: Vec<_> = functions
        .iter()
        .enumerate()
        .map(|(number, &id)| (id, number.to_string()))
        .collect();
    for (id, name) in &shared {
        first.exports.add(name, *id);
    }
    let tables: Vec<_> = first.tables.iter().map(walrus::Table::id).collect();
    for (number, id) in tables.into_iter().enumerate() {
        first.exports.add(&format!("t{number}"), id);
    }
    let globals: Vec<_> = first.globals.iter().map(walrus::Global::id).collect();
    for (number, id) in globals.into_iter().enumerate() {
        first.exports.add(&format!("g{number}"), id);
    }
    let memories: Vec<_> = first.memories.iter().map(walrus::Memory::id).collect();
    for (number, id) in memories.into_iter().enumerate() {
        first.exports.add(&format!("m{number}"), id);
    }
    shared
}

fn import_from_first(
    rest: &mut Module,
    shared: &[(FunctionId, String)],
    counterpart: &HashMap<FunctionId, FunctionId>,
) {
    for (id, name) in shared {
        let id = counterpart[id];
        let ty = rest.funcs.get(id).ty();
        if let FunctionKind::Import(before) = &rest.funcs.get(id).kind {
            rest.imports.delete(before.import);
        }
        let import = rest.imports.add(FIRST, name, id);
        rest.funcs.get_mut(id).kind = FunctionKind::Import(ImportedFunction { import, ty });
    }
    let tables: Vec<_> = rest.tables.iter().map(walrus::Table::id).collect();
    for (number, id) in tables.into_iter().enumerate() {
        let import = rest.imports.add(FIRST, &format!("t{number}"), id);
        rest.tables.get_mut(id).import = Some(import);
    }
    let globals: Vec<_> = rest.globals.iter().map(walrus::Global::id).collect();
    for (number, id) in globals.into_iter().enumerate() {
        let import = rest.imports.add(FIRST, &format!("g{number}"), id);
        rest.globals.get_mut(id).kind = GlobalKind::Import(import);
    }
    let memories: Vec<_> = rest.memories.iter().map(walrus::Memory::id).collect();
    for (number, id) in memories.into_iter().enumerate() {
        let import = rest.imports.add(FIRST, &format!("m{number}"), id);
        rest.memories.get_mut(id).import = Some(import);
    }
}

/// Takes what only the rest needs out of the first half's table. In such a slot is `filler` until the rest is there:
/// something of the same two bytes costs less than nothing, which takes three.
fn take_slots(
    first: &mut Module,
    halves: &Halves,
    filler: FunctionId,
) -> anyhow::Result<Vec<(u64, FunctionId)>> {
    let mut taken = Vec::new();
    for element in first.elements.iter_mut() {
        let ElementKind::Active {
            offset: ConstExpr::Value(Value::I32(offset)),
            ..
        } = element.kind
        else {
            continue;
        };
        if let ElementItems::Functions(functions) = &mut element.items {
            for (slot, function) in (u64::try_from(offset)?..).zip(functions) {
                if halves.late.contains(function) && !halves.held.contains(function) {
                    taken.push((slot, std::mem::replace(function, filler)));
                }
            }
        }
    }
    Ok(taken)
}

/// Takes what only the rest needs out of the first half's data: where it lies, and what it is.
fn take_data(first: &mut Module, places: &[Range<u32>]) -> anyhow::Result<Vec<(i32, Vec<u8>)>> {
    let mut taken = Vec::new();
    let segments: Vec<_> = first.data.iter().map(walrus::Data::id).collect();
    for id in segments {
        let segment = first.data.get_mut(id);
        let DataKind::Active {
            offset: ConstExpr::Value(Value::I32(start)),
            ..
        } = segment.kind
        else {
            continue;
        };
        let start = u32::try_from(start)?;
        let end = start + u32::try_from(segment.value.len())?;
        for place in places.iter().filter(|p| start <= p.start && p.end <= end) {
            let bytes =
                &mut segment.value[(place.start - start) as usize..(place.end - start) as usize];
            taken.push((i32::try_from(place.start)?, bytes.to_vec()));
            bytes.fill(0);
        }
    }
    Ok(taken)
}

/// Leaves nothing in the rest but what its slots of the table need, and gives it its data.
fn finish_rest(
    rest: &mut Module,
    slots: &BTreeMap<u64, FunctionId>,
    data: Vec<(i32, Vec<u8>)>,
    size: u64,
) -> anyhow::Result<()> {
    let exports: Vec<_> = rest.exports.iter().map(walrus::Export::id).collect();
    for export in exports {
        rest.exports.delete(export);
    }
    rest.start = None;
    let before: Vec<_> = rest.data.iter().map(walrus::Data::id).collect();
    for id in before {
        ensure!(
            matches!(rest.data.get(id).kind, DataKind::Active { .. }),
            "data that functions initialize memory with cannot be split"
        );
        rest.data.delete(id);
    }
    let memories: Vec<_> = rest.memories.iter().map(walrus::Memory::id).collect();
    for &id in &memories {
        rest.memories.get_mut(id).data_segments.clear();
    }
    if let [memory] = memories[..] {
        for (offset, bytes) in data {
            let offset = ConstExpr::Value(Value::I32(offset));
            let id = rest.data.add(DataKind::Active { memory, offset }, bytes);
            rest.memories.get_mut(memory).data_segments.insert(id);
        }
    } else {
        ensure!(data.is_empty(), "data for a memory that is not known");
    }
    let elements: Vec<_> = rest.elements.iter().map(walrus::Element::id).collect();
    for id in elements {
        rest.elements.delete(id);
    }
    let tables: Vec<_> = rest.tables.iter().map(walrus::Table::id).collect();
    for id in tables {
        rest.tables.get_mut(id).elem_segments.clear();
    }
    let table = function_table(rest)?;
    let mut runs: Vec<(u64, Vec<FunctionId>)> = Vec::new();
    for (&slot, &function) in slots {
        match runs.last_mut() {
            Some((first, run)) if *first + run.len() as u64 == slot => run.push(function),
            _ => runs.push((slot, vec![function])),
        }
    }
    for (slot, run) in runs {
        let offset = ConstExpr::Value(Value::I32(i32::try_from(slot)?));
        let kind = ElementKind::Active { table, offset };
        let element = rest.elements.add(kind, ElementItems::Functions(run));
        rest.tables.get_mut(table).elem_segments.insert(element);
    }
    let imported = rest.tables.get_mut(table);
    imported.initial = size;
    imported.maximum = Some(size);
    walrus::passes::gc::run(rest);
    Ok(())
}

/// Puts into the place of a late function a call of what is in its slot, by way of [`passage`].
fn put_stub(first: &mut Module, id: FunctionId, passage: FunctionId, slot: i32) {
    let ty = first.funcs.get(id).ty();
    let (parameters, results) = {
        let ty = first.types.get(ty);
        (ty.params().to_vec(), ty.results().to_vec())
    };
    let mut builder = FunctionBuilder::new(&mut first.types, &parameters, &results);
    let arguments: Vec<_> = parameters.iter().map(|&ty| first.locals.add(ty)).collect();
    let mut body = builder.func_body();
    for &argument in &arguments {
        body.local_get(argument);
    }
    body.i32_const(slot).call(passage);
    let stub = builder.local_func(arguments);
    first.funcs.get_mut(id).kind = FunctionKind::Local(stub);
}

/// For late functions of one type: if the slot is empty, load the rest; then call what is in the slot.
fn passage(first: &mut Module, ty: TypeId, table: TableId, load: FunctionId) -> FunctionId {
    let (mut parameters, results) = {
        let ty = first.types.get(ty);
        (ty.params().to_vec(), ty.results().to_vec())
    };
    parameters.push(ValType::I32);
    let mut builder = FunctionBuilder::new(&mut first.types, &parameters, &results);
    let arguments: Vec<_> = parameters.iter().map(|&ty| first.locals.add(ty)).collect();
    let slot = arguments[arguments.len() - 1];
    let mut body = builder.func_body();
    body.local_get(slot).table_get(table).ref_is_null().if_else(
        None,
        |then| {
            then.call(load);
        },
        |_| {},
    );
    for &argument in &arguments {
        body.local_get(argument);
    }
    body.call_indirect(ty, table);
    builder.finish(arguments, &mut first.funcs)
}
