use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::id::NodeId;

/// The identity of one change, everywhere: which node made it, and the how-manieth of that node it is.
///
/// A transaction is named by its last dot. Sequences start at 1 and have no gaps.
///
/// ```
/// use causelog::{Dot, Uuid};
/// let dot = Dot::new(Uuid::from_u128(10), 7);
/// assert_eq!(dot.to_string(), "00000000-0000-0000-0000-00000000000a:7");
/// assert_eq!(dot.to_string().parse::<Dot>().unwrap(), dot);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dot {
    /// The node that made the change.
    pub node: NodeId,
    /// The node's own gap-free counter, from 1.
    pub sequence: u64,
}

impl Dot {
    /// The dot of `node`'s change number `sequence`.
    pub const fn new(node: NodeId, sequence: u64) -> Self {
        Dot { node, sequence }
    }
}

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.node.hyphenated(), self.sequence)
    }
}

impl FromStr for Dot {
    type Err = Error;

    fn from_str(text: &str) -> Result<Dot> {
        let malformed = || Error::invalid(format!("not a dot (node:sequence): {text:?}"));
        let (node, sequence) = text.rsplit_once(':').ok_or_else(malformed)?;
        let node = NodeId::try_parse(node).map_err(|_| malformed())?;
        let sequence = sequence.parse().map_err(|_| malformed())?;
        Ok(Dot { node, sequence })
    }
}
