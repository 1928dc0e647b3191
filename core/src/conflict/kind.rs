use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::change::ChangeOperation;
use crate::error::{Error, Result};

/// The shape of a conflict as one side sees it: the local operation, then the remote one.
///
/// There are nine. The other side sees the [`mirror`](ConflictType::mirror); both
/// see the same [`class`](ConflictType::class).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConflictType {
    /// Both inserted the row.
    InsertInsert,
    /// Inserted here, updated there.
    InsertUpdate,
    /// Inserted here, deleted there.
    InsertDelete,
    /// Updated here, inserted there.
    UpdateInsert,
    /// Both updated the row.
    UpdateUpdate,
    /// Updated here, deleted there.
    UpdateDelete,
    /// Deleted here, inserted there.
    DeleteInsert,
    /// Deleted here, updated there.
    DeleteUpdate,
    /// Both deleted the row: the operations are concurrent, but there is nothing to disagree about.
    DeleteDelete,
}

/// The kind of a conflict whichever side looks at it, of two heads or more: the unordered pair of operations.
///
/// Policies are declared by class, because two replicas see the same conflict from opposite sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictClass {
    /// Inserts only.
    InsertInsert,
    /// Inserts and updates.
    InsertUpdate,
    /// Inserts and deletes.
    InsertDelete,
    /// Updates only.
    UpdateUpdate,
    /// Updates, with or without inserts, and deletes.
    UpdateDelete,
    /// Deletes only.
    DeleteDelete,
}

impl ConflictType {
    /// Every shape.
    pub const ALL: [ConflictType; 9] = [
        ConflictType::InsertInsert,
        ConflictType::InsertUpdate,
        ConflictType::InsertDelete,
        ConflictType::UpdateInsert,
        ConflictType::UpdateUpdate,
        ConflictType::UpdateDelete,
        ConflictType::DeleteInsert,
        ConflictType::DeleteUpdate,
        ConflictType::DeleteDelete,
    ];

    /// The shape of these two operations.
    pub const fn of(local: ChangeOperation, remote: ChangeOperation) -> ConflictType {
        use ChangeOperation::{Delete, Insert, Update};
        match (local, remote) {
            (Insert, Insert) => ConflictType::InsertInsert,
            (Insert, Update) => ConflictType::InsertUpdate,
            (Insert, Delete) => ConflictType::InsertDelete,
            (Update, Insert) => ConflictType::UpdateInsert,
            (Update, Update) => ConflictType::UpdateUpdate,
            (Update, Delete) => ConflictType::UpdateDelete,
            (Delete, Insert) => ConflictType::DeleteInsert,
            (Delete, Update) => ConflictType::DeleteUpdate,
            (Delete, Delete) => ConflictType::DeleteDelete,
        }
    }

    /// The local and the remote operation.
    pub const fn operations(self) -> (ChangeOperation, ChangeOperation) {
        use ChangeOperation::{Delete, Insert, Update};
        match self {
            ConflictType::InsertInsert => (Insert, Insert),
            ConflictType::InsertUpdate => (Insert, Update),
            ConflictType::InsertDelete => (Insert, Delete),
            ConflictType::UpdateInsert => (Update, Insert),
            ConflictType::UpdateUpdate => (Update, Update),
            ConflictType::UpdateDelete => (Update, Delete),
            ConflictType::DeleteInsert => (Delete, Insert),
            ConflictType::DeleteUpdate => (Delete, Update),
            ConflictType::DeleteDelete => (Delete, Delete),
        }
    }

    /// The shape that the other side sees.
    #[must_use]
    pub const fn mirror(self) -> ConflictType {
        let (local, remote) = self.operations();
        ConflictType::of(remote, local)
    }

    /// The class, which is the same from both sides.
    pub const fn class(self) -> ConflictClass {
        match self {
            ConflictType::InsertInsert => ConflictClass::InsertInsert,
            ConflictType::InsertUpdate | ConflictType::UpdateInsert => ConflictClass::InsertUpdate,
            ConflictType::InsertDelete | ConflictType::DeleteInsert => ConflictClass::InsertDelete,
            ConflictType::UpdateUpdate => ConflictClass::UpdateUpdate,
            ConflictType::UpdateDelete | ConflictType::DeleteUpdate => ConflictClass::UpdateDelete,
            ConflictType::DeleteDelete => ConflictClass::DeleteDelete,
        }
    }

    /// The name used by every surface, such as `update_delete`.
    pub const fn name(self) -> &'static str {
        match self {
            ConflictType::InsertInsert => "insert_insert",
            ConflictType::InsertUpdate => "insert_update",
            ConflictType::InsertDelete => "insert_delete",
            ConflictType::UpdateInsert => "update_insert",
            ConflictType::UpdateUpdate => "update_update",
            ConflictType::UpdateDelete => "update_delete",
            ConflictType::DeleteInsert => "delete_insert",
            ConflictType::DeleteUpdate => "delete_update",
            ConflictType::DeleteDelete => "delete_delete",
        }
    }
}

impl ConflictClass {
    /// Every class.
    pub const ALL: [ConflictClass; 6] = [
        ConflictClass::InsertInsert,
        ConflictClass::InsertUpdate,
        ConflictClass::InsertDelete,
        ConflictClass::UpdateUpdate,
        ConflictClass::UpdateDelete,
        ConflictClass::DeleteDelete,
    ];

    /// The class of these operations together; `None` of no operation.
    pub fn of(operations: impl IntoIterator<Item = ChangeOperation>) -> Option<ConflictClass> {
        let (mut inserts, mut updates, mut deletes) = (false, false, false);
        for operation in operations {
            match operation {
                ChangeOperation::Insert => inserts = true,
                ChangeOperation::Update => updates = true,
                ChangeOperation::Delete => deletes = true,
            }
        }
        match (inserts, updates, deletes) {
            (false, false, false) => None,
            (true, false, false) => Some(ConflictClass::InsertInsert),
            (true, true, false) => Some(ConflictClass::InsertUpdate),
            (true, false, true) => Some(ConflictClass::InsertDelete),
            (false, true, false) => Some(ConflictClass::UpdateUpdate),
            (false | true, true, true) => Some(ConflictClass::UpdateDelete),
            (false, false, true) => Some(ConflictClass::DeleteDelete),
        }
    }

    /// The name used by every surface, such as `update_delete`.
    pub const fn name(self) -> &'static str {
        match self {
            ConflictClass::InsertInsert => "insert_insert",
            ConflictClass::InsertUpdate => "insert_update",
            ConflictClass::InsertDelete => "insert_delete",
            ConflictClass::UpdateUpdate => "update_update",
            ConflictClass::UpdateDelete => "update_delete",
            ConflictClass::DeleteDelete => "delete_delete",
        }
    }
}

impl FromStr for ConflictClass {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(ConflictClass::name).join(", ");
            Error::invalid(format!("unknown conflict class {name:?}: it is one of {known}"))
        })
    }
}

impl fmt::Display for ConflictType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for ConflictClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_operations_are_one_to_one_and_mirror() {
        let mut seen = std::collections::BTreeSet::new();
        for local in ChangeOperation::ALL {
            for remote in ChangeOperation::ALL {
                let shape = ConflictType::of(local, remote);
                assert!(seen.insert(shape));
                assert_eq!(shape.operations(), (local, remote));
                assert_eq!(shape.mirror(), ConflictType::of(remote, local));
                assert_eq!(shape.mirror().class(), shape.class());
                assert_eq!(ConflictClass::of([local, remote]), Some(shape.class()));
            }
        }
        assert_eq!(seen.len(), ConflictType::ALL.len());
        let classes: std::collections::BTreeSet<_> = ConflictType::ALL.map(ConflictType::class).into();
        assert_eq!(classes, ConflictClass::ALL.into());
    }
}
