use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// What a change does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeOperation {
    /// The row comes into being; there is no image before it.
    Insert,
    /// The row takes another value.
    Update,
    /// The row ends; there is no image after it.
    Delete,
}

impl ChangeOperation {
    /// Every operation.
    pub const ALL: [ChangeOperation; 3] =
        [ChangeOperation::Insert, ChangeOperation::Update, ChangeOperation::Delete];

    /// The name used by every surface: `insert`, `update`, `delete`.
    pub const fn name(self) -> &'static str {
        match self {
            ChangeOperation::Insert => "insert",
            ChangeOperation::Update => "update",
            ChangeOperation::Delete => "delete",
        }
    }
}

impl fmt::Display for ChangeOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ChangeOperation {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name).ok_or_else(|| {
            Error::invalid(format!("unknown operation {name:?}: it is one of insert, update, delete"))
        })
    }
}
