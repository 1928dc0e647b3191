//! The conflicts of a replica: reported, decided, explained.

use std::sync::Arc;

use causelog::ConflictQuery;
use napi::Env;
use napi::bindgen_prelude::{Object, Result, Unknown};
use napi_derive::napi;

use crate::entry::ChangeEntry;
use crate::error::Code;
use crate::input::Argument;
use crate::log::Appended;
use crate::output::{Bytes, Dot, Moment, Nanoseconds};
use crate::replica::{Replica, Work, work};
use crate::report::ConflictReport;
use crate::row::Row;
use crate::writing::row;

/// A conflict, and how other rules would have decided it.
#[napi(object, object_from_js = false)]
pub struct WhatIf {
    /// How it was decided.
    pub decided: ConflictReport,
    /// How it would have been.
    pub would_be: ConflictReport,
    /// Whether the row would have had another value.
    pub differs: bool,
}

impl From<causelog::WhatIf> for WhatIf {
    fn from(what_if: causelog::WhatIf) -> Self {
        let differs = what_if.differs();
        WhatIf { decided: what_if.decided.into(), would_be: what_if.would_be.into(), differs }
    }
}

/// Who has taken up an item of the inbox.
#[napi(object, object_from_js = false)]
pub struct Claim {
    /// A name, of a person or a job.
    pub by: String,
    /// When, rounded down to milliseconds.
    #[napi(ts_type = "Date")]
    pub at: Moment,
    /// When, in nanoseconds since 1970: exact.
    #[napi(ts_type = "bigint")]
    pub at_ns: Nanoseconds,
}

impl From<causelog::Claim> for Claim {
    fn from(claim: causelog::Claim) -> Self {
        Claim { by: claim.by, at: Moment(claim.at), at_ns: Nanoseconds(claim.at) }
    }
}

/// A row about which somebody has to decide.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct InboxItem {
    /// The conflict between its heads, with the provisional value. It grows when another head arrives.
    pub report: ConflictReport,
    /// Whether a person decides, `'pending'`, or a resolver of the application that is missing or has failed, `'unresolved'`.
    #[napi(ts_type = "RowState")]
    pub state: &'static str,
    /// Who has taken it up, here; `null` if nobody has.
    pub claim: Option<Claim>,
    /// What the application's resolver failed with, if it did since the replica was opened; `null` if it did not.
    pub failure: Option<String>,
}

impl From<causelog::InboxItem> for InboxItem {
    fn from(item: causelog::InboxItem) -> Self {
        InboxItem {
            report: item.report.into(),
            state: item.state.name(),
            claim: item.claim.map(Claim::from),
            failure: item.failure,
        }
    }
}

/// How a row became what it is: its entries, what each of them had seen, and every conflict on the way.
///
/// It follows from the entries alone, so that replicas with the same entries and rules tell the same, word for word.
#[napi]
pub struct Explanation {
    explanation: causelog::Explanation,
}

/// One entry in the story of a row.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct ExplanationStep {
    /// The entry.
    pub entry: ChangeEntry,
    /// The dots of the entries that it follows on: the latest that its author had seen of the row.
    pub follows: Vec<Dot>,
    /// The dots of the entries before it in this list that its author had not seen, and that had not seen it.
    pub concurrent_with: Vec<Dot>,
    /// The conflict that it ended; `null` if those that it follows on did not disagree.
    pub settles: Option<ConflictReport>,
}

fn dots(dots: &[causelog::Dot]) -> Vec<Dot> {
    dots.iter().copied().map(Dot::from).collect()
}

#[napi]
impl Explanation {
    /// The table.
    #[napi(getter, catch_unwind)]
    pub fn table(&self) -> String {
        self.explanation.table.clone()
    }

    /// The row within the table.
    #[napi(getter, catch_unwind, ts_return_type = "RowId")]
    pub fn row_id(&self) -> Row {
        Row(self.explanation.row_id.clone())
    }

    /// Whether the row is there.
    #[napi(getter, catch_unwind)]
    pub fn is_live(&self) -> bool {
        self.explanation.is_live
    }

    /// Its payload, in a `Buffer` of its own; `null` if it is not there, or has none.
    #[napi(getter, catch_unwind, ts_return_type = "Buffer | null")]
    pub fn value(&self) -> Option<Bytes> {
        self.explanation.value.clone().map(Bytes)
    }

    /// Whether the value is final.
    #[napi(getter, catch_unwind, ts_return_type = "RowState")]
    pub fn state(&self) -> &'static str {
        self.explanation.state.name()
    }

    /// Its entries, each after all that its author had seen of the row; none if the row never was.
    #[napi(getter, catch_unwind)]
    pub fn steps(&self) -> Vec<ExplanationStep> {
        let step = |step: &causelog::ExplanationStep| ExplanationStep {
            entry: Arc::new(step.entry.clone()).into(),
            follows: dots(&step.follows),
            concurrent_with: dots(&step.concurrent_with),
            settles: step.settles.clone().map(ConflictReport::from),
        };
        self.explanation.steps.iter().map(step).collect()
    }

    /// The conflict that stands; `null` if none does.
    #[napi(getter, catch_unwind)]
    pub fn standing(&self) -> Option<ConflictReport> {
        self.explanation.standing.clone().map(ConflictReport::from)
    }

    /// Several lines of text for people.
    #[napi(catch_unwind, js_name = "toString")]
    pub fn text(&self) -> String {
        self.explanation.to_string()
    }
}

impl Argument<'_> {
    fn conflict_query(&self) -> causelog::Result<ConflictQuery> {
        if self.is_absent() {
            return Ok(ConflictQuery::default());
        }
        self.only(&["table", "rowId", "conflictClass", "settled", "since", "limit"])?;
        Ok(ConflictQuery {
            table: self.member("table")?.optional(Argument::text)?,
            row_id: self.member("rowId")?.optional(Argument::row_id)?,
            class: self.member("conflictClass")?.optional(Argument::conflict_class)?,
            settled: self.member("settled")?.optional(Argument::boolean)?,
            since: self.member("since")?.optional(Argument::counter)?.unwrap_or(0),
            limit: self.member("limit")?.optional(Argument::counter)?,
        })
    }
}

type Reports = Vec<ConflictReport>;

fn reports(reports: Vec<causelog::ConflictReport<'static>>) -> Reports {
    reports.into_iter().map(ConflictReport::from).collect()
}

fn standing() -> causelog::Result<Work<Reports>> {
    work(|replica| replica.conflicts().map(reports))
}

fn settled() -> causelog::Result<Work<Reports>> {
    work(|replica| replica.settled_conflicts().map(reports))
}

fn asking(query: Unknown<'_>) -> causelog::Result<Work<Reports>> {
    let query = Argument::new("query", query).conflict_query()?;
    work(move |replica| replica.query_conflicts(&query).map(reports))
}

fn replaying(report: Unknown<'_>) -> causelog::Result<Work<ConflictReport>> {
    let report = Argument::new("report", report).report()?;
    work(move |replica| replica.replay(&report).map(ConflictReport::from))
}

fn supposing(registry: Unknown<'_>, query: Unknown<'_>) -> causelog::Result<Work<Vec<WhatIf>>> {
    let registry = Argument::new("registry", registry).registry()?;
    let query = Argument::new("query", query).conflict_query()?;
    work(move |replica| Ok(replica.what_if(&registry, &query)?.into_iter().map(WhatIf::from).collect()))
}

fn items() -> causelog::Result<Work<Vec<InboxItem>>> {
    work(|replica| Ok(replica.inbox()?.into_iter().map(InboxItem::from).collect()))
}

fn claiming(table: Unknown<'_>, row_id: Unknown<'_>, by: Unknown<'_>) -> causelog::Result<Work<Claim>> {
    let ((table, row_id), by) = (row(table, row_id)?, Argument::new("by", by).text()?);
    work(move |replica| replica.claim(&table, row_id, &by).map(Claim::from))
}

fn releasing(table: Unknown<'_>, row_id: Unknown<'_>) -> causelog::Result<Work<()>> {
    let (table, row_id) = row(table, row_id)?;
    work(move |replica| replica.release(&table, row_id))
}

fn resolving(
    (table, row_id): (Unknown<'_>, Unknown<'_>),
    decision: Unknown<'_>,
    heads: Unknown<'_>,
    metadata: Unknown<'_>,
) -> causelog::Result<Work<Appended>> {
    let (table, row_id) = row(table, row_id)?;
    let decision = Argument::new("decision", decision).decision()?;
    let heads = Argument::new("heads", heads).heads()?;
    let metadata = Argument::new("metadata", metadata).optional(Argument::metadata)?.unwrap_or_default();
    work(move |replica| replica.resolve_with(&table, row_id, decision, &heads, metadata).map(Appended::from))
}

fn explaining(table: Unknown<'_>, row_id: Unknown<'_>) -> causelog::Result<Work<Explanation>> {
    let (table, row_id) = row(table, row_id)?;
    work(move |replica| Ok(Explanation { explanation: replica.why(&table, row_id)? }))
}

#[napi]
impl Replica {
    /// The conflicts that stand: rows whose heads disagree, by table and row id. They are resolved, or wait in the inbox.
    ///
    /// Two replicas with the same entries and rules report the same, byte for byte.
    ///
    /// Throws `CLOSED`, `CORRUPT` or `IO` when the log cannot be read.
    #[napi(catch_unwind)]
    pub fn conflicts_sync(&self) -> Result<Vec<ConflictReport>, Code> {
        self.read(standing())
    }

    /// The conflicts that stand, read off the main thread; otherwise as `conflictsSync`.
    #[napi(catch_unwind, ts_args_type = "", ts_return_type = "Promise<Array<ConflictReport>>")]
    pub fn conflicts<'env>(&self, env: &'env Env) -> Result<Object<'env>, Code> {
        self.read_later(env, standing())
    }

    /// The conflicts that an entry ended whose author had seen all of their heads, in the order of those entries in this log.
    ///
    /// Throws as `conflictsSync`.
    #[napi(catch_unwind)]
    pub fn settled_conflicts_sync(&self) -> Result<Vec<ConflictReport>, Code> {
        self.read(settled())
    }

    /// The conflicts that an entry ended, read off the main thread; otherwise as `settledConflictsSync`.
    #[napi(catch_unwind, ts_args_type = "", ts_return_type = "Promise<Array<ConflictReport>>")]
    pub fn settled_conflicts<'env>(&self, env: &'env Env) -> Result<Object<'env>, Code> {
        self.read_later(env, settled())
    }

    /// The conflicts that are asked for, all of them unless told otherwise: first those that stand, by table and row id,
    /// then those that are settled, in the order of the entries that settled them.
    ///
    /// Throws as `conflictsSync`.
    #[napi(catch_unwind, ts_args_type = "query?: ConflictQuery | null")]
    pub fn query_conflicts_sync(&self, query: Unknown<'_>) -> Result<Vec<ConflictReport>, Code> {
        self.read(asking(query))
    }

    /// The conflicts that are asked for, read off the main thread; otherwise as `queryConflictsSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "query?: ConflictQuery | null",
        ts_return_type = "Promise<Array<ConflictReport>>"
    )]
    pub fn query_conflicts<'env>(&self, env: &'env Env, query: Unknown<'_>) -> Result<Object<'env>, Code> {
        self.read_later(env, asking(query))
    }

    /// Resolves a conflict again, from the log and by the rules that were in force then: a report that this replica, or one
    /// with the same entries, has made comes out the same. The conflict need not stand any longer.
    ///
    /// Throws `NOT_FOUND` when the log lacks one of the heads, or the registry of the report was never in force here; `INVALID_ARGUMENT` for a
    /// report of `ConflictDetector.report` or `resolve`, which knows no rules; `TRUNCATED` when compaction has removed what it takes; otherwise
    /// as `conflictsSync`.
    #[napi(catch_unwind)]
    pub fn replay_sync(
        &self,
        #[napi(ts_arg_type = "ConflictReport")] report: Unknown<'_>,
    ) -> Result<ConflictReport, Code> {
        self.read(replaying(report))
    }

    /// Resolves a conflict again off the main thread; otherwise as `replaySync`.
    #[napi(catch_unwind, ts_args_type = "report: ConflictReport", ts_return_type = "Promise<ConflictReport>")]
    pub fn replay<'env>(&self, env: &'env Env, report: Unknown<'_>) -> Result<Object<'env>, Code> {
        self.read_later(env, replaying(report))
    }

    /// Resolves conflicts by other rules, beside how they were decided. Nothing is changed and nothing is kept, also of
    /// what the application's resolvers answer.
    ///
    /// Throws `INVALID_ARGUMENT` as `ResolverRegistry.validate` says; otherwise as `conflictsSync`.
    #[napi(catch_unwind, ts_args_type = "registry: ResolverRegistry, query?: ConflictQuery | null")]
    pub fn what_if_sync(&self, registry: Unknown<'_>, query: Unknown<'_>) -> Result<Vec<WhatIf>, Code> {
        self.read(supposing(registry, query))
    }

    /// Resolves conflicts by other rules off the main thread; otherwise as `whatIfSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "registry: ResolverRegistry, query?: ConflictQuery | null",
        ts_return_type = "Promise<Array<WhatIf>>"
    )]
    pub fn what_if<'env>(
        &self,
        env: &'env Env,
        registry: Unknown<'_>,
        query: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        self.read_later(env, supposing(registry, query))
    }

    /// The rows about which somebody has to decide, by table and row id: one item a row. They follow from the log, and so
    /// does what is in the inbox after a crash; claims are kept durably beside it.
    ///
    /// An item is closed by `resolve`, by any write that expects its heads, or by such a write of another replica.
    ///
    /// ```js
    /// const [item] = replica.inboxSync();
    /// replica.claimSync('orders', 42, 'alice');
    /// const { heads } = item.report;
    /// replica.resolveSync('orders', 42, { head: heads[0] }, heads, { actor: 'alice' });
    /// ```
    ///
    /// Throws as `conflictsSync`.
    #[napi(catch_unwind)]
    pub fn inbox_sync(&self) -> Result<Vec<InboxItem>, Code> {
        self.read(items())
    }

    /// The rows about which somebody has to decide, read off the main thread; otherwise as `inboxSync`.
    #[napi(catch_unwind, ts_args_type = "", ts_return_type = "Promise<Array<InboxItem>>")]
    pub fn inbox<'env>(&self, env: &'env Env) -> Result<Object<'env>, Code> {
        self.read_later(env, items())
    }

    /// Takes up an item of the inbox for somebody, so that others who look see it. It stays when the item grows, and is
    /// known here alone.
    ///
    /// Throws `NOT_FOUND` when the row is not in the inbox, `ALREADY_EXISTS` when somebody else has taken it up, `INVALID_ARGUMENT` for an empty
    /// name; `NO_SPACE` or `IO` when it cannot be stored, `RESOLVER_FAILED` within a resolver, `CLOSED`.
    #[napi(catch_unwind)]
    pub fn claim_sync(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>,
        #[napi(ts_arg_type = "string")] by: Unknown<'_>,
    ) -> Result<Claim, Code> {
        self.write(claiming(table, row_id, by))
    }

    /// Takes up an item of the inbox off the main thread; otherwise as `claimSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, rowId: RowId, by: string",
        ts_return_type = "Promise<Claim>"
    )]
    pub fn claim<'env>(
        &self,
        env: &'env Env,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
        by: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        self.write_later(env, claiming(table, row_id, by))
    }

    /// Gives up the claim on an item, whoever has it. Without one this does nothing.
    ///
    /// Throws `NOT_FOUND` when the row is not in the inbox; `NO_SPACE` or `IO` when it cannot be stored, `RESOLVER_FAILED` within a resolver,
    /// `CLOSED`.
    #[napi(catch_unwind)]
    pub fn release_sync(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>,
    ) -> Result<(), Code> {
        self.write(releasing(table, row_id))
    }

    /// Gives up the claim on an item off the main thread; otherwise as `releaseSync`.
    #[napi(catch_unwind, ts_args_type = "table: string, rowId: RowId", ts_return_type = "Promise<void>")]
    pub fn release<'env>(
        &self,
        env: &'env Env,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        self.write_later(env, releasing(table, row_id))
    }

    /// Decides about a row with several heads, whether it waits in the inbox or not: an ordinary change that covers `heads`,
    /// those that whoever decides has seen. `metadata` are small strings for an audit: who, why.
    ///
    /// Two people who decide on two replicas make a new conflict, which is resolved like any other.
    ///
    /// Throws `NOT_FOUND` when the row has not several heads, `VERSION_MISMATCH` when it has others than `heads`, `INVALID_ARGUMENT` for a head that
    /// is none and for `'defer'`; otherwise as `writeSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, rowId: RowId, decision: ResolverDecision, heads: ReadonlyArray<DotLike>, metadata?: Readonly<Record<string, string>> | null"
    )]
    pub fn resolve_sync(
        &self,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
        decision: Unknown<'_>,
        heads: Unknown<'_>,
        metadata: Unknown<'_>,
    ) -> Result<Appended, Code> {
        self.write(resolving((table, row_id), decision, heads, metadata))
    }

    /// Decides about a row with several heads off the main thread; otherwise as `resolveSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, rowId: RowId, decision: ResolverDecision, heads: ReadonlyArray<DotLike>, metadata?: Readonly<Record<string, string>> | null",
        ts_return_type = "Promise<Appended>"
    )]
    pub fn resolve<'env>(
        &self,
        env: &'env Env,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
        decision: Unknown<'_>,
        heads: Unknown<'_>,
        metadata: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        self.write_later(env, resolving((table, row_id), decision, heads, metadata))
    }

    /// How a row became what it is.
    ///
    /// Throws `INVALID_ARGUMENT` for an empty table name; otherwise as `conflictsSync`.
    #[napi(catch_unwind)]
    pub fn why_sync(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>,
    ) -> Result<Explanation, Code> {
        self.read(explaining(table, row_id))
    }

    /// How a row became what it is, read off the main thread; otherwise as `whySync`.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, rowId: RowId",
        ts_return_type = "Promise<Explanation>"
    )]
    pub fn why<'env>(
        &self,
        env: &'env Env,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        self.read_later(env, explaining(table, row_id))
    }
}
