//! Short names: for what the app's module and its script call in each other, and for types.
//!
//! wasm-bindgen names imports and exports at length, and the compiler names a type that is looked at while the app runs
//! ([`std::any::TypeId`]) by 16 bytes of hash: no compression takes those away. Nobody outside of the app sees them.

use std::collections::{BTreeSet, HashMap};

use anyhow::ensure;
use walrus::ir::{
    Const, Instr, InstrSeq, Load, LoadKind, Value, Visitor, VisitorMut, dfs_in_order,
    dfs_pre_order_mut,
};
use walrus::{ConstExpr, DataKind, ImportKind, Module, ModuleConfig};

/// Renames in a module, and in its script. Names that others use too stay.
pub fn names(module: &[u8], script: &str) -> anyhow::Result<(Vec<u8>, String)> {
    let mut module: Module = ModuleConfig::new().parse(module)?;
    number_types(&mut module)?;
    let mut short = HashMap::new();
    let mut shorten = |name: &mut String| {
        let next = format!("_{}", short.len());
        let name_before = std::mem::replace(name, next.clone());
        short.insert(name_before, next);
    };
    for import in module.imports.iter_mut() {
        if matches!(import.kind, ImportKind::Function(_)) {
            shorten(&mut import.name);
        }
    }
    for export in module.exports.iter_mut() {
        // What the two call each other by; the rest has names that people chose.
        if export.name.starts_with("wasm_bindgen") || export.name.starts_with("_R") {
            shorten(&mut export.name);
        }
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
    let mut shortened = String::with_capacity(script.len());
    let mut rest = script;
    while let Some(start) = rest.find(is_name) {
        let length = rest[start..]
            .find(|c| !is_name(c))
            .unwrap_or(rest.len() - start);
        let (name, after) = (&rest[start..start + length], &rest[start + length..]);
        shortened.push_str(&rest[..start]);
        shortened.push_str(short.get(name).map_or(name, String::as_str));
        rest = after;
    }
    shortened.push_str(rest);
    Ok((module.emit_wasm(), shortened))
}

/// Puts small numbers into the place of type ids, wherever they are.
///
/// They are the constants of 16 random bytes that are read as two 64-bit integers. Equal ones stay equal and others
/// different, which is all that anybody asks of them: other random constants (a hasher's key) may be among them.
fn number_types(module: &mut Module) -> anyhow::Result<()> {
    let read = reads(module);
    let mut numbers: HashMap<[u8; 16], u64> = HashMap::new();
    let mut halves: HashMap<u64, u64> = HashMap::new();
    let segments: Vec<_> = module.data.iter().map(walrus::Data::id).collect();
    for id in segments {
        let segment = module.data.get_mut(id);
        let DataKind::Active {
            offset: ConstExpr::Value(Value::I32(start)),
            ..
        } = segment.kind
        else {
            continue;
        };
        for &address in read.range(start as u64..start as u64 + segment.value.len() as u64) {
            let at = (address - start as u64) as usize;
            let Some(place) = segment.value.get_mut(at..at + 16) else {
                continue;
            };
            let id: [u8; 16] = place.try_into()?;
            if !read.contains(&(address + 8)) || !is_random(id) {
                continue;
            }
            let next = numbers.len() as u64 + 1;
            let number = *numbers.entry(id).or_insert(next);
            for half in id.chunks(8) {
                let before = halves.insert(u64::from_le_bytes(half.try_into()?), number);
                ensure!(
                    before.is_none_or(|before| before == number),
                    "half a type id is that of two"
                );
            }
            place[..8].copy_from_slice(&number.to_le_bytes());
            place[8..].copy_from_slice(&number.to_le_bytes());
        }
    }
    for (_, function) in module.funcs.iter_local_mut() {
        let entry = function.entry_block();
        dfs_pre_order_mut(&mut Known(&halves), function, entry);
    }
    Ok(())
}

/// Type ids that the compiler made part of the code.
struct Known<'a>(&'a HashMap<u64, u64>);

impl VisitorMut for Known<'_> {
    fn visit_const_mut(&mut self, constant: &mut Const) {
        if let Value::I64(value) = &mut constant.value
            && let Some(&number) = self.0.get(&(*value as u64))
        {
            *value = number as i64;
        }
    }
}

/// The constant addresses that 64-bit integers are read from.
fn reads(module: &Module) -> BTreeSet<u64> {
    #[derive(Default)]
    struct Reads {
        last: Option<i32>,
        found: BTreeSet<u64>,
    }
    impl Visitor<'_> for Reads {
        fn start_instr_seq(&mut self, _: &InstrSeq) {
            self.last = None;
        }
        fn visit_instr(&mut self, instr: &Instr, _: &walrus::InstrLocId) {
            if let (
                Instr::Load(Load {
                    kind: LoadKind::I64 { atomic: false },
                    arg,
                    ..
                }),
                Some(base),
            ) = (instr, self.last)
            {
                self.found.insert(base as u64 + arg.offset);
            }
            self.last = match instr {
                Instr::Const(Const {
                    value: Value::I32(base),
                }) if *base >= 0 => Some(*base),
                _ => None,
            };
        }
    }
    let mut reads = Reads::default();
    for (_, function) in module.funcs.iter_local() {
        dfs_in_order(&mut reads, function, function.entry_block());
    }
    reads.found
}

/// Whether bytes look like those of a hash: neither text nor numbers that mean something.
fn is_random(bytes: [u8; 16]) -> bool {
    let different: BTreeSet<u8> = bytes.into_iter().collect();
    let ones: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
    different.len() >= 12 && (40..=88).contains(&ones) && !bytes.is_ascii()
}
