use std::sync::Arc;

use hashbrown::HashMap;

use crate::causality::NodeIndex;
use crate::id::NodeId;
use crate::log::frame::{NodeNumber, TableNumber};

/// What the numbers in a segment's frames stand for.
#[derive(Debug, Clone, Default)]
pub(super) struct Dictionary {
    nodes: Vec<(NodeIndex, NodeId)>,
    tables: Vec<Arc<str>>,
}

impl Dictionary {
    pub(super) fn add_node(&mut self, index: NodeIndex, id: NodeId) {
        self.nodes.push((index, id));
    }

    pub(super) fn add_table(&mut self, name: Arc<str>) {
        self.tables.push(name);
    }

    pub(super) fn node(&self, number: NodeNumber) -> Option<(NodeIndex, NodeId)> {
        self.nodes.get(number as usize).copied()
    }

    pub(super) fn nodes(&self) -> &[(NodeIndex, NodeId)] {
        &self.nodes
    }

    pub(super) fn table(&self, number: TableNumber) -> Option<&Arc<str>> {
        self.tables.get(number as usize)
    }

    pub(super) fn tables(&self) -> &[Arc<str>] {
        &self.tables
    }

    /// The number of a node, by a look at all of them.
    pub(super) fn number(&self, index: NodeIndex) -> Option<NodeNumber> {
        self.nodes.iter().position(|(other, _)| *other == index).map(|number| number as NodeNumber)
    }

    /// The number of a table, by a look at all of them.
    pub(super) fn table_number(&self, name: &str) -> Option<TableNumber> {
        self.tables.iter().position(|table| **table == *name).map(|number| number as TableNumber)
    }
}

/// The dictionary of the segment that is being written, from the writer's side.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    nodes: HashMap<NodeIndex, NodeNumber>,
    node_order: Vec<NodeIndex>,
    /// The node that was asked for last is the one that is asked for next.
    last_node: Option<(NodeIndex, NodeNumber)>,
    tables: HashMap<Arc<str>, TableNumber>,
    table_order: Vec<Arc<str>>,
}

impl Numbers {
    pub(super) fn of(dictionary: &Dictionary) -> Self {
        let mut numbers = Numbers::default();
        dictionary.nodes().iter().for_each(|(index, _)| {
            numbers.node(*index);
        });
        dictionary.tables().iter().for_each(|name| {
            numbers.table(name);
        });
        numbers
    }

    /// The number of a node, given out now if it has none; and whether it is new.
    pub(super) fn node(&mut self, index: NodeIndex) -> (NodeNumber, bool) {
        if let Some((_, number)) = self.last_node.filter(|(last, _)| *last == index) {
            return (number, false);
        }
        let next = self.node_order.len() as NodeNumber;
        let number = *self.nodes.entry(index).or_insert(next);
        if number == next {
            self.node_order.push(index);
        }
        self.last_node = Some((index, number));
        (number, number == next)
    }

    /// The number of a table, given out now if it has none; and whether it is new.
    pub(super) fn table(&mut self, name: &str) -> (TableNumber, bool) {
        if let Some(number) = self.tables.get(name) {
            return (*number, false);
        }
        let (number, name) = (self.table_order.len() as TableNumber, Arc::<str>::from(name));
        self.tables.insert(name.clone(), number);
        self.table_order.push(name);
        (number, true)
    }

    /// The node that has this number.
    pub(super) fn index(&self, number: NodeNumber) -> Option<NodeIndex> {
        self.node_order.get(number as usize).copied()
    }

    pub(super) fn table_name(&self, number: TableNumber) -> Option<&Arc<str>> {
        self.table_order.get(number as usize)
    }

    /// How many nodes and tables there are.
    pub(super) fn lengths(&self) -> (usize, usize) {
        (self.node_order.len(), self.table_order.len())
    }

    /// Takes back all numbers from these on.
    pub(super) fn cut(&mut self, (nodes, tables): (usize, usize)) {
        self.last_node = None;
        self.node_order.drain(nodes.min(self.node_order.len())..).for_each(|index| {
            self.nodes.remove(&index);
        });
        self.table_order.drain(tables.min(self.table_order.len())..).for_each(|name| {
            self.tables.remove(&name);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_taken_back_are_given_out_again() {
        let mut numbers = Numbers::default();
        assert_eq!((numbers.node(7), numbers.node(9), numbers.node(7)), ((0, true), (1, true), (0, false)));
        assert_eq!((numbers.table("a"), numbers.table("a")), ((0, true), (0, false)));
        let lengths = numbers.lengths();
        assert_eq!((numbers.node(5), numbers.table("b")), ((2, true), (1, true)));
        numbers.cut(lengths);
        assert_eq!((numbers.node(6), numbers.table("c")), ((2, true), (1, true)));
        assert_eq!((numbers.node(5), numbers.node(9)), ((3, true), (1, false)));
    }
}
