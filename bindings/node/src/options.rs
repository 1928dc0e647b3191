//! Options objects, as they come from JavaScript.

use std::time::Duration;

use causelog::{Durability, LogOptions, QueryOptions, Result};

use crate::input::Argument;

const DURABILITIES: [Durability; 2] = [Durability::Sync, Durability::Os];

impl Argument<'_> {
    pub(crate) fn log_options(&self) -> Result<LogOptions> {
        let mut options = LogOptions::default();
        if self.is_absent() {
            return Ok(options);
        }
        self.only(&["node", "durability", "maximumClockSkew", "time"])?;
        options.node = self.member("node")?.optional(Argument::node)?;
        let durability = self.member("durability")?;
        if let Some(durability) = durability.optional(|name| name.one_of(&DURABILITIES, Durability::name))? {
            options.durability = durability;
        }
        if let Some(skew) = self.member("maximumClockSkew")?.optional(Argument::milliseconds)? {
            options.maximum_clock_skew = skew;
        }
        if let Some(time) = self.member("time")?.optional(Argument::time)? {
            options.time = time;
        }
        Ok(options)
    }

    fn milliseconds(&self) -> Result<Duration> {
        let seconds = self.number()? / 1000.0;
        Duration::try_from_secs_f64(seconds).map_err(|_| self.refuse("milliseconds, 0 or more"))
    }

    pub(crate) fn query_options(&self) -> Result<QueryOptions> {
        if self.is_absent() {
            return Ok(QueryOptions::default());
        }
        self.only(&[
            "table",
            "tables",
            "rowId",
            "operation",
            "node",
            "since",
            "until",
            "sinceTime",
            "untilTime",
            "limit",
            "reverse",
        ])?;
        let table = self.member("table")?.optional(Argument::text)?;
        let tables = self.member("tables")?;
        if table.is_some() && !tables.is_absent() {
            return Err(tables.refuse("left out when there is a table"));
        }
        let tables = tables.optional(|tables| tables.list("an array of strings", Argument::text))?;
        Ok(QueryOptions {
            tables: tables.unwrap_or(table.into_iter().collect()),
            row_id: self.member("rowId")?.optional(Argument::row_id)?,
            operation: self.member("operation")?.optional(Argument::operation)?,
            node: self.member("node")?.optional(Argument::node)?,
            since: self.member("since")?.optional(Argument::counter)?.unwrap_or(0),
            until: self.member("until")?.optional(Argument::counter)?,
            since_time: self.member("sinceTime")?.optional(Argument::timestamp)?,
            until_time: self.member("untilTime")?.optional(Argument::timestamp)?,
            limit: self.member("limit")?.optional(Argument::counter)?,
            reverse: self.member("reverse")?.optional(Argument::boolean)?.unwrap_or(false),
            ..QueryOptions::default()
        })
    }
}
