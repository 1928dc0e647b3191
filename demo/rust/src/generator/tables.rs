//! The tables of the generated history, their rows, and what the rows' images look like.

use serde_json::{Value, json};

use crate::random::Random;

/// A row of one of the tables.
pub(super) struct TableRow {
    table: Table,
    number: usize,
}

#[derive(Clone, Copy)]
enum Table {
    Orders,
    Customers,
    Stock,
    Settings,
    Journal,
}

/// Every row, the tables taking turns, so that any part of them has rows of each.
pub(super) fn rows() -> impl Iterator<Item = TableRow> {
    const TABLES: [Table; 5] =
        [Table::Orders, Table::Customers, Table::Stock, Table::Settings, Table::Journal];
    (0..40).flat_map(|number| TABLES.map(|table| TableRow { table, number }))
}

const NAMES: [&str; 8] = [
    "Zoë",
    "Łukasz",
    "O'Brien \"Bob\"",
    "山田 太郎",
    "back\\slash",
    "Ада 🦀",
    "tab\tand\nline",
    "bell \u{7} and \u{1f}",
];
const TAGS: [&str; 4] = ["new", "vip", "schön", "</script>"];
const STATES: [&str; 3] = ["open", "paid", "sent"];

impl TableRow {
    pub(super) fn table(&self) -> &'static str {
        match self.table {
            Table::Orders => "orders",
            Table::Customers => "customers",
            Table::Stock => "stock",
            Table::Settings => "settings",
            Table::Journal => "журнал ✓",
        }
    }

    pub(super) fn row_id(&self) -> Value {
        let number = self.number as i64;
        match self.table {
            Table::Orders => json!(1000 + number),
            Table::Customers => json!(format!("customer-{number:03}")),
            // Numbers as text are not the numbers.
            Table::Stock => json!(number.to_string()),
            Table::Settings => json!(format!("größe/{number} \u{1f527}")),
            Table::Journal => json!((number - 20) * 200_000_000_000_000),
        }
    }

    /// An image, as compact JSON. Those of stock and settings are few, so that nodes often write the same one.
    pub(super) fn image(&self, random: &mut Random) -> String {
        let mut pick = |texts: &[&'static str]| json!(random.pick(texts));
        match self.table {
            Table::Orders => {
                let state = pick(&STATES);
                let (quantity, cents) = (1 + random.below(9), random.below(4) * 25);
                let lines = (0..random.below(3)).map(|line| format!(r#"{{"sku":"sku-{line}","n":{line}}}"#));
                let lines = lines.collect::<Vec<_>>().join(",");
                // Numbers that every language writes as it read them.
                let price =
                    if cents == 0 { json!(quantity) } else { json!(quantity as f64 + cents as f64 / 100.0) };
                format!(r#"{{"status":{state},"qty":{quantity},"price":{price},"lines":[{lines}]}}"#)
            }
            Table::Customers => {
                let (name, tag, other) = (pick(&NAMES), pick(&TAGS), pick(&TAGS));
                let vip = random.chance(30);
                format!(
                    r#"{{"name":{name},"vip":{vip},"address":{{"city":{name},"tags":[{tag},{other}],"zip":null}}}}"#
                )
            }
            Table::Stock => format!(r#"{{"level":{}}}"#, random.below(3)),
            Table::Settings => format!(r#"{{"on":{},"by":{}}}"#, random.chance(50), json!("ops")),
            Table::Journal => {
                let (name, length) = (pick(&NAMES), random.below(40));
                format!(r#"{{"z":{name},"a":"{}","{{":{{}},"":[[],{{}}]}}"#, "·".repeat(length))
            }
        }
    }
}
