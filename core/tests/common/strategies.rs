//! Every strategy, each for a table of its own.

use causelog::{
    ChangeEntry, ConflictClass, ConflictResolution, FieldMerge, FieldPolicy, Liveness, ResolverDecision,
    ResolverRegistry, Result, RowConflict,
};

use super::node;

/// The names of all tables that have rules.
pub(crate) fn tables() -> Vec<String> {
    strategies().into_iter().map(|(table, _)| table).chain(["mixed".to_owned()]).collect()
}

/// A resolver: the longest payload wins, as a value of nobody's where several are as long.
pub(crate) fn longest(conflict: &RowConflict) -> Result<ResolverDecision> {
    let longest = conflict
        .heads
        .iter()
        .filter_map(|head| head.after.as_ref())
        .max_by_key(|after| (after.len(), *after));
    let Some(longest) = longest else { return Ok(ResolverDecision::Delete) };
    let as_long = |head: &&ChangeEntry| head.after.as_ref().is_some_and(|after| after.len() == longest.len());
    let mut heads = conflict.heads.iter().filter(as_long);
    match (heads.next(), heads.next()) {
        (Some(only), None) => Ok(ResolverDecision::Head(only.dot())),
        _ => Ok(ResolverDecision::Value(longest.clone())),
    }
}

pub(crate) fn field_merge(liveness: Liveness) -> ConflictResolution {
    let merge = FieldMerge::new(liveness)
        .with_field("qty", FieldPolicy::Counter)
        .with_field("high", FieldPolicy::Max)
        .with_field("low", FieldPolicy::Min)
        .with_field("tags", FieldPolicy::Set);
    ConflictResolution::FieldMerge(merge)
}

/// A table's name and the strategy for all of its conflicts.
pub(crate) fn strategies() -> Vec<(String, ConflictResolution)> {
    use ConflictResolution as Resolution;
    let all = [
        ("last", Resolution::LastWriteWins),
        ("first", Resolution::FirstWriteWins),
        ("priority", Resolution::NodePriority(vec![node(2), node(1)])),
        ("causal", Resolution::VectorClockCausal { fallback: None }),
        (
            "causal_first",
            Resolution::VectorClockCausal { fallback: Some(Box::new(Resolution::FirstWriteWins)) },
        ),
        ("delete_last", Resolution::delete_wins(Resolution::LastWriteWins)),
        ("delete_first", Resolution::delete_wins(Resolution::FirstWriteWins)),
        ("update_last", Resolution::update_wins(Resolution::LastWriteWins)),
        ("update_first", Resolution::update_wins(Resolution::FirstWriteWins)),
        ("update_manual", Resolution::update_wins(Resolution::Manual)),
        ("merge_last", field_merge(Liveness::LastWriteWins)),
        ("merge_delete", field_merge(Liveness::DeleteWins)),
        ("merge_update", field_merge(Liveness::UpdateWins)),
        ("manual", Resolution::Manual),
        ("custom", Resolution::Custom { name: "longest".to_owned(), version: 1 }),
    ];
    all.into_iter().map(|(table, strategy)| (table.to_owned(), strategy)).collect()
}

/// All of these, and a table whose classes have different ones.
pub(crate) fn registry() -> ResolverRegistry {
    let mut registry = ResolverRegistry::default();
    for (table, strategy) in strategies() {
        registry.set_table(table, strategy).unwrap();
    }
    let mixed = [
        (ConflictClass::InsertInsert, ConflictResolution::FirstWriteWins),
        (ConflictClass::UpdateUpdate, ConflictResolution::LastWriteWins),
        (ConflictClass::UpdateDelete, ConflictResolution::Manual),
        (ConflictClass::DeleteDelete, ConflictResolution::FirstWriteWins),
    ];
    for (class, strategy) in mixed {
        registry.set_class("mixed", class, strategy).unwrap();
    }
    registry
}
