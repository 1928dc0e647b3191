use hashbrown::HashMap;

use crate::id::NodeId;

/// A node's number in a [`NodeTable`].
pub(crate) type NodeIndex = u32;

/// Nodes as small numbers, given out in order of first appearance.
#[derive(Debug, Default)]
pub(crate) struct NodeTable {
    ids: Vec<NodeId>,
    indexes: HashMap<NodeId, NodeIndex>,
}

impl NodeTable {
    pub(crate) fn id(&self, index: NodeIndex) -> Option<NodeId> {
        self.ids.get(index as usize).copied()
    }

    pub(crate) fn index(&self, id: NodeId) -> Option<NodeIndex> {
        self.indexes.get(&id).copied()
    }

    /// All numbers and nodes, ascending by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NodeIndex, NodeId)> + '_ {
        (0..).zip(self.ids.iter().copied())
    }

    /// The number of `id`, given out now if it has none.
    pub(crate) fn intern(&mut self, id: NodeId) -> NodeIndex {
        let next = self.ids.len() as NodeIndex;
        *self.indexes.entry(id).or_insert_with(|| {
            self.ids.push(id);
            next
        })
    }
}
