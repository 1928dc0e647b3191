//! Options objects, as they come from JavaScript.

use std::time::Duration;

use causelog::{CompactionOptions, Durability, LogOptions, QueryOptions, Result, RetentionPolicy};

use crate::input::Argument;

impl Argument<'_> {
    pub(crate) fn log_options(&self) -> Result<LogOptions> {
        let mut options = LogOptions::default();
        if self.is_absent() {
            return Ok(options);
        }
        self.only(&[
            "node",
            "durability",
            "syncInterval",
            "maximumClockSkew",
            "segmentBytes",
            "readOnly",
            "memoryMap",
            "time",
        ])?;
        options.node = self.member("node")?.optional(Argument::node)?;
        let durability = self.member("durability")?;
        if let Some(durability) =
            durability.optional(|name| name.one_of(&Durability::ALL, Durability::name))?
        {
            options.durability = durability;
        }
        if let Some(interval) = self.member("syncInterval")?.optional(Argument::milliseconds)? {
            options.sync_interval = interval;
        }
        if let Some(skew) = self.member("maximumClockSkew")?.optional(Argument::milliseconds)? {
            options.maximum_clock_skew = skew;
        }
        if let Some(bytes) = self.member("segmentBytes")?.optional(Argument::counter)? {
            options.segment_bytes = bytes;
        }
        options.read_only = self.member("readOnly")?.optional(Argument::boolean)?.unwrap_or(false);
        options.memory_map = self.member("memoryMap")?.optional(Argument::boolean)?.unwrap_or(false);
        if let Some(time) = self.member("time")?.optional(Argument::time)? {
            options.time = time;
        }
        Ok(options)
    }

    pub(crate) fn milliseconds(&self) -> Result<Duration> {
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
            "transaction",
            "unseenBy",
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
            transaction: self.member("transaction")?.optional(Argument::dot)?,
            unseen_by: self.member("unseenBy")?.optional(Argument::clock)?,
            since: self.member("since")?.optional(Argument::counter)?.unwrap_or(0),
            until: self.member("until")?.optional(Argument::counter)?,
            since_time: self.member("sinceTime")?.optional(Argument::timestamp)?,
            until_time: self.member("untilTime")?.optional(Argument::timestamp)?,
            limit: self.member("limit")?.optional(Argument::counter)?,
            reverse: self.member("reverse")?.optional(Argument::boolean)?.unwrap_or(false),
        })
    }

    pub(crate) fn retention_policy(&self) -> Result<RetentionPolicy> {
        self.only(&["maxAge", "maxBytes", "unreadBytes"])?;
        let unread_bytes = self.member("unreadBytes")?.optional(Argument::counter)?;
        Ok(RetentionPolicy {
            max_age: self.member("maxAge")?.optional(Argument::milliseconds)?,
            max_bytes: self.member("maxBytes")?.optional(Argument::counter)?,
            unread_bytes: unread_bytes.unwrap_or(RetentionPolicy::default().unread_bytes),
        })
    }

    pub(crate) fn compaction_options(&self) -> Result<CompactionOptions> {
        if self.is_absent() {
            return Ok(CompactionOptions::default());
        }
        self.only(&["tables", "known"])?;
        let (tables, known) = (self.member("tables")?, self.member("known")?);
        let tables = tables.optional(|tables| tables.list("an array of strings", Argument::text))?;
        let known = known.optional(|known| known.list("an array of VectorClocks", Argument::clock))?;
        Ok(CompactionOptions { tables: tables.unwrap_or_default(), known: known.unwrap_or_default() })
    }
}
