//! Rows merged field by field.
//!
//! Neither `before` images nor one ancestor are looked at: both give wrong results as soon as histories cross. What counts is
//! the *support*: the entries that the row, as it is, goes back to. An entry changed a field if it holds another value there
//! than the support of its own past gives.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use hashbrown::HashSet;

use crate::conflict::history::{Cut, Heads, RowHistory, VersionIndex};
use crate::conflict::json::{Field, Fields, compare, sorted_array};
use crate::conflict::{FieldMerge, FieldPolicy, Liveness};

/// The heads that decide what the row is: none if it is gone. Deletes take no part in what follows.
pub(super) fn live_heads(history: &RowHistory, liveness: Liveness, heads: &[VersionIndex]) -> Heads {
    let is_live = |index: &&VersionIndex| history.get(**index).is_some_and(|version| version.is_live());
    let live: Heads = heads.iter().filter(is_live).copied().collect();
    let gone = live.len() < heads.len()
        && match liveness {
            Liveness::DeleteWins => true,
            Liveness::UpdateWins => false,
            Liveness::LastWriteWins => heads.last() != live.last(),
        };
    if gone { Heads::new() } else { live }
}

/// Whether nothing that lies below this entry has a say in what the row is.
pub(super) fn is_root(history: &RowHistory, index: VersionIndex) -> bool {
    use crate::change::ChangeOperation::Insert;
    // Below an entry that all others come before or after, the row is what that entry says.
    history.is_choke(index) || history.get(index).is_some_and(|version| version.operation == Insert)
}

/// The entries that the row, as a closed set of entries has it, goes back to; ascending.
pub(super) fn support(history: &RowHistory, liveness: Liveness, cut: &Cut) -> Vec<VersionIndex> {
    let mut found = HashSet::new();
    let mut open: Vec<VersionIndex> = live_heads(history, liveness, &history.maximal(cut)).to_vec();
    while let Some(index) = open.pop() {
        if found.insert(index)
            && !is_root(history, index)
            && let Some(version) = history.get(index)
        {
            open.extend(live_heads(history, liveness, &history.maximal(&version.past)));
        }
    }
    let mut support: Vec<VersionIndex> = found.into_iter().collect();
    support.sort_unstable();
    support
}

/// What a field is over some support.
#[derive(Debug, Clone, Default)]
pub(super) struct FieldState {
    /// Its value; `None` if it is not there.
    value: Option<Field>,
    /// What all have added to it, exactly, modulo 2 to the power of 128.
    sum: i128,
    /// What it holds as a set, each element in its one form.
    members: BTreeSet<String>,
}

impl FieldState {
    /// A field as one image has it.
    fn of(field: Option<&Field>, policy: FieldPolicy) -> FieldState {
        let mut state = FieldState::default();
        match policy {
            FieldPolicy::Counter => state.sum = field.and_then(Field::integer).unwrap_or(0).into(),
            FieldPolicy::Set => {
                let elements = field.and_then(Field::elements).unwrap_or_default();
                state.members = elements.into_iter().collect();
            }
            FieldPolicy::LastWriteWins | FieldPolicy::Max | FieldPolicy::Min => {}
        }
        state.value = field.cloned();
        state
    }
}

/// Every field of a merged row.
#[derive(Debug, Default)]
pub(super) struct Merged(BTreeMap<String, FieldState>);

/// What an entry's author had before it.
pub(super) enum Base {
    /// Nothing that counts: no row, or one that is taken as given.
    Nothing,
    Image(Rc<Fields>),
    Merged(Rc<Merged>),
}

impl Base {
    fn field(&self, name: &str, policy: FieldPolicy) -> FieldState {
        match self {
            Base::Nothing => FieldState::default(),
            Base::Image(fields) => FieldState::of(fields.get(name), policy),
            Base::Merged(merged) => merged.0.get(name).cloned().unwrap_or_default(),
        }
    }

    fn names(&self) -> Vec<&str> {
        match self {
            Base::Nothing => Vec::new(),
            Base::Image(fields) => fields.iter().map(|(name, _)| name).collect(),
            Base::Merged(merged) => merged.0.keys().map(String::as_str).collect(),
        }
    }
}

/// An entry of the support, its image and what was before it.
pub(super) struct Supporter {
    pub(super) index: VersionIndex,
    pub(super) image: Rc<Fields>,
    pub(super) base: Base,
}

/// Merges every field over a support.
pub(super) fn merge(history: &RowHistory, support: &[Supporter], merge: &FieldMerge) -> Merged {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for supporter in support {
        names.extend(supporter.image.iter().map(|(name, _)| name));
        names.extend(supporter.base.names());
    }
    let merged = names.into_iter().map(|name| {
        let policy = merge.policy(name);
        (name.to_owned(), field(history, support, name, policy))
    });
    Merged(merged.collect())
}

/// How an entry stands to one field.
struct Change<'a> {
    index: VersionIndex,
    value: Option<&'a Field>,
    state: FieldState,
    base: FieldState,
}

fn field(history: &RowHistory, support: &[Supporter], name: &str, policy: FieldPolicy) -> FieldState {
    let changes: Vec<Change<'_>> = support
        .iter()
        .map(|supporter| {
            let value = supporter.image.get(name);
            let (state, base) = (FieldState::of(value, policy), supporter.base.field(name, policy));
            Change { index: supporter.index, value, state, base }
        })
        .collect();
    let mut result = FieldState::default();
    let changed = |change: &&Change<'_>| !same(&change.state, &change.base, policy);
    let candidates = latest(history, changes.iter().filter(changed));
    match policy {
        FieldPolicy::Counter => {
            let effect = |change: &Change<'_>| change.state.sum.wrapping_sub(change.base.sum);
            result.sum = changes.iter().map(effect).fold(0, i128::wrapping_add);
        }
        FieldPolicy::Set => result.members = members(history, &changes),
        FieldPolicy::LastWriteWins | FieldPolicy::Max | FieldPolicy::Min => {}
    }
    let last = |history: &RowHistory| {
        let last = candidates.iter().max_by_key(|change| order(history, change));
        last.and_then(|change| change.value.cloned())
    };
    let values = || candidates.iter().filter_map(|change| change.value);
    result.value = match policy {
        _ if values().next().is_none() => None,
        FieldPolicy::LastWriteWins => last(history),
        FieldPolicy::Max => extreme(history, &candidates, |order| order),
        FieldPolicy::Min => extreme(history, &candidates, Ordering::reverse),
        FieldPolicy::Counter => match i64::try_from(result.sum) {
            Ok(sum) if values().all(|value| value.integer().is_some()) => {
                Some(Field::canonical(sum.to_string()))
            }
            _ => last(history),
        },
        FieldPolicy::Set if values().any(|value| value.elements().is_none()) => last(history),
        // Whether an empty set is there is for the latest to say.
        FieldPolicy::Set if result.members.is_empty() => last(history).map(|_| sorted_array([])),
        FieldPolicy::Set => Some(sorted_array(result.members.iter().cloned())),
    };
    result
}

/// Whether an entry left the field alone.
fn same(state: &FieldState, base: &FieldState, policy: FieldPolicy) -> bool {
    match (&state.value, &base.value) {
        (Some(a), Some(b)) if policy == FieldPolicy::Set => {
            a.canonical == b.canonical
                || match (a.elements(), b.elements()) {
                    (Some(a), Some(b)) => BTreeSet::from_iter(a) == BTreeSet::from_iter(b),
                    _ => false,
                }
        }
        (Some(a), Some(b)) => a.canonical == b.canonical,
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// Those that none of the others has seen.
fn latest<'a>(history: &RowHistory, changes: impl Iterator<Item = &'a Change<'a>>) -> Vec<&'a Change<'a>> {
    let changes: Vec<&Change<'_>> = changes.collect();
    let seen = history.joined_past(changes.iter().map(|change| change.index));
    changes.into_iter().filter(|change| !history.contains(&seen, change.index)).collect()
}

fn order(history: &RowHistory, change: &Change<'_>) -> Option<impl Ord + use<>> {
    history.get(change.index).map(|version| version.order())
}

/// The candidate that is furthest in the direction that `towards` gives an order; of equal ones the latest.
fn extreme(
    history: &RowHistory,
    candidates: &[&Change<'_>],
    towards: fn(Ordering) -> Ordering,
) -> Option<Field> {
    let there = candidates.iter().filter_map(|change| Some((change, change.value?)));
    let furthest = there.max_by(|(a, one), (b, other)| {
        towards(compare(one, other)).then_with(|| order(history, a).cmp(&order(history, b)))
    });
    furthest.map(|(_, value)| value.clone())
}

/// The elements that some latest change of them put in.
fn members(history: &RowHistory, changes: &[Change<'_>]) -> BTreeSet<String> {
    let all = changes.iter().flat_map(|change| change.state.members.iter().chain(&change.base.members));
    let elements: BTreeSet<&String> = all.collect();
    let is_member = |element: &&&String| {
        let element: &String = element;
        let changed = |change: &&Change<'_>| {
            change.state.members.contains(element) != change.base.members.contains(element)
        };
        let last = latest(history, changes.iter().filter(changed));
        last.iter().any(|change| change.state.members.contains(element))
    };
    elements.iter().filter(is_member).map(|element| (*element).clone()).collect()
}

impl Merged {
    /// The merged row in bytes: written like the first of `images`, with what differs put in its place.
    /// `None` if nothing differs.
    pub(super) fn write(&self, images: &[Rc<Fields>]) -> Option<String> {
        let [first, others @ ..] = images else { return None };
        let mut fields = Fields::clone(first);
        let mut differs = false;
        for (name, field) in first.iter() {
            let merged = self.0.get(name).and_then(|state| state.value.as_ref());
            match merged {
                Some(merged) if merged.canonical == field.canonical => {}
                Some(merged) => {
                    differs = true;
                    fields.set(name, merged.clone());
                }
                None => {
                    differs = true;
                    fields.remove(name);
                }
            }
        }
        let elsewhere = others.iter().flat_map(|image| image.iter().map(|(name, _)| name));
        for name in elsewhere.chain(self.0.keys().map(String::as_str)) {
            let merged = self.0.get(name).and_then(|state| state.value.as_ref());
            if let (Some(merged), None) = (merged, fields.get(name)) {
                differs = true;
                fields.set(name, merged.clone());
            }
        }
        differs.then(|| fields.to_json())
    }
}
