//! Splitting the app's module in two: what shows the inbox, and the rest, which the browser fetches once the inbox shows.
//!
//! A function of the rest that the first half calls is left there as a stub. It calls through the table of functions, in
//! which the rest puts itself when it is instantiated. Where a stub is called before that, it has the rest loaded at once
//! (`load_rest` in `app/worker/src/rest.rs`): slower, never wrong. Nothing in the sources knows on which side it is.
//!
//! The halves share memory, tables and globals; the rest imports them, and the functions it calls, from the first half's
//! exports.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, ensure};
use walrus::ir::{Visitor, dfs_in_order};
use walrus::{
    ConstExpr, DataKind, ElementItems, ElementKind, ExportItem, FunctionBuilder, FunctionId,
    FunctionKind, GlobalKind, ImportedFunction, Module, ModuleConfig, TableId, TypeId, ValType,
};

/// The module name of what the rest imports from the first half. `public/rest.js` knows it too.
const FIRST: &str = "first";
/// The exported function that loads the rest and returns when it is there.
const LOAD: &str = "load_rest";
/// A function of so many instructions is hardly larger than its stub.
const SMALL: u64 = 20;

/// Splits a module. A function is late, and goes into the rest, if `is_late` says so of its name, or if only late
/// functions reach it.
///
/// Returns the first half and the rest, with the names of functions if `names`.
pub fn split(
    module: &[u8],
    names: bool,
    is_late: impl Fn(&str) -> bool,
) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let mut config = ModuleConfig::new();
    config
        .generate_name_section(names)
        .generate_producers_section(false);
    let mut first = config.parse(module)?;
    let mut rest = config.parse(module)?;
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
    let late = late_functions(&first, load, is_late)?;
    let shared = used_by(&first, &late);
    let entered = entered_from_outside(&first, &late);

    let table = function_table(&first)?;
    let offset = first.tables.get(table).initial;
    let size = offset + entered.len() as u64;

    // The rest: late functions in the table, everything else from the first half.
    let imports = share(&mut first, &shared);
    import_from_first(&mut rest, &imports, &counterpart);
    let slots = entered.iter().map(|id| counterpart[id]).collect();
    finish_rest(&mut rest, slots, offset, size)?;

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

/// Every local function that nothing reaches at the start without passing through a function that is late by name.
/// `load`, which loads the rest, is not.
fn late_functions(
    module: &Module,
    load: FunctionId,
    is_late: impl Fn(&str) -> bool,
) -> anyhow::Result<HashSet<FunctionId>> {
    let named: HashSet<FunctionId> = module
        .funcs
        .iter_local()
        .map(|(id, _)| id)
        .filter(|&id| {
            id != load && is_late(module.funcs.get(id).name.as_deref().unwrap_or_default())
        })
        .collect();
    ensure!(
        !named.is_empty(),
        "the module has no names, or nothing in it is late"
    );
    let mut early = HashSet::new();
    let mut open: Vec<FunctionId> = roots(module).collect();
    while let Some(id) = open.pop() {
        if !named.contains(&id) && early.insert(id) {
            open.extend(called_by(module, id));
        }
    }
    let mut late: HashSet<FunctionId> = module
        .funcs
        .iter_local()
        .map(|(id, _)| id)
        .filter(|id| !early.contains(id))
        .collect();
    // One that is no larger than its stub had better be there itself, if that brings in nothing else.
    loop {
        let entered: HashSet<FunctionId> =
            entered_from_outside(module, &late).into_iter().collect();
        let small: Vec<FunctionId> = entered
            .iter()
            .copied()
            .filter(|&id| {
                size(module, id) <= SMALL
                    && called_by(module, id)
                        .iter()
                        .all(|called| !late.contains(called) || entered.contains(called))
            })
            .collect();
        if small.is_empty() {
            break;
        }
        for id in small {
            late.remove(&id);
        }
    }
    Ok(late)
}

/// How many instructions a function has.
fn size(module: &Module, id: FunctionId) -> u64 {
    match &module.funcs.get(id).kind {
        FunctionKind::Local(function) => function.size(),
        _ => 0,
    }
}

/// What is called from outside the module or through its table.
fn roots(module: &Module) -> impl Iterator<Item = FunctionId> + '_ {
    exported(module).chain(in_table(module)).chain(module.start)
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

/// The functions of the first half, and the imported ones, that late functions call; always in the same order.
fn used_by(module: &Module, late: &HashSet<FunctionId>) -> Vec<FunctionId> {
    let used: HashSet<FunctionId> = late
        .iter()
        .flat_map(|&id| called_by(module, id))
        .filter(|id| !late.contains(id))
        .collect();
    in_order(module, &used)
}

/// The late functions that the first half calls, exports, or has in its table; always in the same order.
fn entered_from_outside(module: &Module, late: &HashSet<FunctionId>) -> Vec<FunctionId> {
    let entered: HashSet<FunctionId> = module
        .funcs
        .iter_local()
        .map(|(id, _)| id)
        .filter(|id| !late.contains(id))
        .flat_map(|id| called_by(module, id))
        .chain(roots(module))
        .filter(|id| late.contains(id))
        .collect();
    in_order(module, &entered)
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

/// Leaves nothing in the rest but what its slots of the table need.
fn finish_rest(
    rest: &mut Module,
    slots: Vec<FunctionId>,
    offset: u64,
    size: u64,
) -> anyhow::Result<()> {
    let exports: Vec<_> = rest.exports.iter().map(walrus::Export::id).collect();
    for export in exports {
        rest.exports.delete(export);
    }
    rest.start = None;
    let data: Vec<_> = rest.data.iter().map(walrus::Data::id).collect();
    for id in data {
        ensure!(
            matches!(rest.data.get(id).kind, DataKind::Active { .. }),
            "data that functions initialize memory with cannot be split"
        );
        rest.data.delete(id);
    }
    let memories: Vec<_> = rest.memories.iter().map(walrus::Memory::id).collect();
    for id in memories {
        rest.memories.get_mut(id).data_segments.clear();
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
    let offset = ConstExpr::Value(walrus::ir::Value::I32(i32::try_from(offset)?));
    let element = rest.elements.add(
        ElementKind::Active { table, offset },
        ElementItems::Functions(slots),
    );
    let imported = rest.tables.get_mut(table);
    imported.elem_segments.insert(element);
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
