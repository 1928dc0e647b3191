//! The vectors of `tests/conformance`, which every language runs. Its README describes them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

use std::collections::HashMap;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use causelog::{
    Change, ChangeEntry, ChangeLog, ChangeOperation, ConflictClass, ConflictDetector, ConflictReport,
    ConflictResolution, ConflictType, Dot, ErrorCode, HybridLogicalClock, LogOptions, ManualTime, Metadata,
    Moment, QueryOptions, Result, Row, RowId, RowIdPart, RowResolution, Side, Snapshot, Timestamp,
    Transaction, Uuid, VectorClock,
};
use serde_json::Value;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance").join(name)
}

/// The vectors of one file; asking for a list that is not there fails, and so does one never asked for.
struct Vectors {
    name: &'static str,
    lists: serde_json::Map<String, Value>,
}

impl Vectors {
    fn read(name: &'static str) -> Self {
        let text = std::fs::read_to_string(path(name)).unwrap();
        let Value::Object(lists) = serde_json::from_str(&text).unwrap() else { panic!("{name}: no object") };
        Vectors { name, lists }
    }

    fn each(&mut self, list: &str, mut check: impl FnMut(&Value)) {
        let cases = self.lists.remove(list).unwrap_or_else(|| panic!("{}: no list {list}", self.name));
        let cases = cases.as_array().unwrap();
        assert!(!cases.is_empty(), "{}: {list} is empty", self.name);
        for case in cases {
            println!("{} {list}: {case}", self.name);
            check(case);
        }
    }
}

impl Drop for Vectors {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let left: Vec<_> = self.lists.keys().collect();
            assert!(left.is_empty(), "{}: lists that nobody checks: {left:?}", self.name);
        }
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no string {key:?} in {value}"))
}

fn number<T: std::str::FromStr<Err: Debug>>(value: &Value, key: &str) -> T {
    text(value, key).parse().unwrap()
}

fn flag(value: &Value, key: &str) -> bool {
    value[key].as_bool().unwrap_or_else(|| panic!("no boolean {key:?} in {value}"))
}

fn node(value: &Value, key: &str) -> Uuid {
    text(value, key).parse().unwrap()
}

fn clock(value: &Value, key: &str) -> VectorClock {
    VectorClock::from_json(text(value, key)).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex:?}");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fails<T: Debug>(case: &Value, outcome: Result<T>) {
    let error = outcome.expect_err("this must fail");
    assert_eq!(error.code().name(), text(case, "error"));
    assert!(!error.message().is_empty());
}

#[test]
fn error_codes() {
    let mut codes = ErrorCode::ALL.iter();
    Vectors::read("error_codes.json").each("codes", |case| {
        let code = codes.next().expect("more codes in the file than in the table");
        assert_eq!(i64::from(code.number()), case["number"].as_i64().unwrap());
        assert_eq!(code.name(), text(case, "name"));
        assert_eq!(code.is_retryable(), flag(case, "retryable"));
    });
    assert_eq!(codes.next(), None, "a code that is not in the file");
}

#[test]
fn vector_clocks() {
    let mut vectors = Vectors::read("vector_clock.json");
    vectors.each("compare", |case| {
        let (a, b) = (clock(case, "a"), clock(case, "b"));
        assert_eq!(a.compare(&b).name(), text(case, "relation"));
        assert_eq!(a.happens_before(&b), flag(case, "happens_before"));
        assert_eq!(a.conflicts_with(&b), flag(case, "conflicts_with"));
    });
    vectors.each("covers", |case| {
        let dot = Dot::new(node(case, "node"), number(case, "sequence"));
        assert_eq!(clock(case, "clock").covers(dot), flag(case, "covers"));
    });
    vectors.each("get", |case| {
        assert_eq!(clock(case, "clock").get(node(case, "node")), number::<u64>(case, "sequence"));
    });
    vectors.each("merge", |case| {
        let mut merged = clock(case, "a");
        merged.merge(&clock(case, "b"));
        assert_eq!(merged.to_json(), text(case, "result"));
    });
    vectors.each("increment", |case| {
        let mut counted = clock(case, "clock");
        let outcome = counted.increment(node(case, "node"));
        match case.get("error") {
            Some(_) => fails(case, outcome),
            None => assert_eq!(outcome.unwrap(), number::<u64>(case, "sequence")),
        }
        assert_eq!(counted.to_json(), text(case, "result"));
    });
    vectors.each("advance", |case| {
        let mut advanced = clock(case, "clock");
        advanced.advance(node(case, "node"), number(case, "sequence"));
        assert_eq!(advanced.to_json(), text(case, "result"));
    });
    vectors.each("bytes", |case| {
        let clock = clock(case, "clock");
        assert_eq!(hex(&clock.to_bytes()), text(case, "hex"));
        assert_eq!(VectorClock::from_bytes(&bytes(text(case, "hex"))).unwrap(), clock);
    });
    vectors.each("malformed_bytes", |case| fails(case, VectorClock::from_bytes(&bytes(text(case, "hex")))));
    vectors.each("json", |case| assert_eq!(clock(case, "json").to_json(), text(case, "canonical")));
    vectors.each("malformed_json", |case| fails(case, VectorClock::from_json(text(case, "json"))));
    vectors.each("display", |case| assert_eq!(clock(case, "clock").to_string(), text(case, "text")));
    vectors.each("iteration", |case| {
        let clock = clock(case, "clock");
        let wanted: Vec<(Uuid, u64)> = case["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (node(entry, "node"), number(entry, "sequence")))
            .collect();
        assert_eq!(clock.iter().collect::<Vec<_>>(), wanted);
        assert_eq!((clock.len(), clock.is_empty()), (wanted.len(), wanted.is_empty()));
    });
}

fn row_id_part(value: &Value) -> RowIdPart {
    match value {
        Value::Number(integer) => integer.as_i64().unwrap().into(),
        Value::String(text) => text.as_str().into(),
        Value::Object(typed) => match typed.iter().next().unwrap() {
            (key, Value::String(digits)) if key == "integer" => digits.parse::<i64>().unwrap().into(),
            (key, Value::String(hex)) if key == "bytes" => bytes(hex).into(),
            (key, Value::String(uuid)) if key == "uuid" => uuid.parse::<Uuid>().unwrap().into(),
            _ => panic!("no row id: {value}"),
        },
        _ => panic!("no row id: {value}"),
    }
}

fn try_row_id(value: &Value) -> Result<RowId> {
    match value {
        Value::Array(parts) => RowId::tuple(parts.iter().map(row_id_part)),
        scalar => Ok(RowId::Scalar(row_id_part(scalar))),
    }
}

fn row_id(value: &Value) -> RowId {
    try_row_id(value).unwrap()
}

#[test]
fn row_ids() {
    let mut vectors = Vectors::read("row_id.json");
    vectors.each("encodings", |case| {
        let row_id = row_id(&case["row_id"]);
        assert_eq!(hex(&row_id.encode()), text(case, "hex"));
        assert_eq!(RowId::decode(&bytes(text(case, "hex"))).unwrap(), row_id);
        assert_eq!(row_id.to_string(), text(case, "display"));
    });
    let mut previous: Option<RowId> = None;
    vectors.each("ascending", |case| {
        let row_id = row_id(case);
        if let Some(previous) = &previous {
            assert!(previous < &row_id);
            assert!(previous.encode() < row_id.encode());
        }
        previous = Some(row_id);
    });
    vectors.each("malformed", |case| fails(case, RowId::decode(&bytes(text(case, "hex")))));
}

#[test]
fn hybrid_clocks() {
    Vectors::read("hybrid_clock.json").each("sequences", |case| {
        let mut clock = HybridLogicalClock::new();
        assert_eq!(clock.last(), None);
        for step in case["steps"].as_array().unwrap() {
            let argument = Timestamp::from_nanoseconds(number(step, "argument"));
            match (text(step, "op"), step.get("error")) {
                ("observe", None) => clock.observe(argument),
                ("tick", Some(_)) => fails(step, clock.tick(argument)),
                ("tick", None) => {
                    assert_eq!(clock.tick(argument).unwrap().nanoseconds(), number::<i64>(step, "result"));
                }
                other => panic!("no step: {other:?}"),
            }
            assert_eq!(clock.last().unwrap().nanoseconds(), number::<i64>(step, "last"));
        }
    });
}

#[test]
fn timestamps() {
    let mut vectors = Vectors::read("timestamp.json");
    vectors.each("parse", |case| {
        let timestamp: Timestamp = text(case, "text").parse().unwrap();
        assert_eq!(timestamp.nanoseconds(), number::<i64>(case, "nanoseconds"));
        assert_eq!(timestamp.to_string(), text(case, "canonical"));
    });
    vectors.each("format", |case| {
        let timestamp = Timestamp::from_nanoseconds(number(case, "nanoseconds"));
        assert_eq!(timestamp.to_string(), text(case, "text"));
        assert_eq!(text(case, "text").parse::<Timestamp>().unwrap(), timestamp);
    });
    vectors.each("malformed", |case| fails(case, text(case, "text").parse::<Timestamp>()));
}

fn payload(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone().into_bytes()),
        other => Some(bytes(text(other, "hex"))),
    }
}

fn operation(value: &Value) -> ChangeOperation {
    value.as_str().unwrap().parse().unwrap()
}

fn change(value: &Value) -> Change {
    let change = Change::new(
        text(value, "table"),
        row_id(&value["row_id"]),
        operation(&value["operation"]),
        payload(&value["before"]),
        payload(&value["after"]),
    );
    let metadata: Metadata = match &value["metadata"] {
        Value::Null => Metadata::new(),
        metadata => serde_json::from_value(metadata.clone()).unwrap(),
    };
    Change { metadata, ..change }
}

fn entry(value: &Value) -> ChangeEntry {
    let dot = Dot::new(node(value, "node"), number(value, "sequence"));
    let change = change(value);
    change.validate().unwrap();
    ChangeEntry {
        lsn: 0,
        node: dot.node,
        sequence: dot.sequence,
        vector_clock: clock(value, "clock"),
        timestamp: Timestamp::from_nanoseconds(number(value, "timestamp")),
        transaction: value["transaction"].as_str().map_or(dot, |dot| dot.parse().unwrap()),
        table: change.table,
        row_id: change.row_id,
        operation: change.operation,
        before: change.before,
        after: change.after,
        verdict: None,
        metadata: change.metadata,
    }
}

fn detector(case: &Value) -> ConflictDetector {
    ConflictDetector::new(text(case, "strategy").parse::<ConflictResolution>().unwrap())
}

/// What a `detect` or `resolve` case comes to; `None` where no conflict is detected.
fn outcome(case: &Value) -> Result<Option<ConflictReport<'static>>> {
    let detector = detector(case);
    if let Some(entries) = case.get("entries") {
        let entries: Vec<_> = entries.as_array().unwrap().iter().map(entry).collect();
        let settled_by = case.get("settled_by").map(|dot| dot.as_str().unwrap().parse().unwrap());
        return detector.resolve(&entries, settled_by).map(|report| Some(report.into_owned()));
    }
    let (local, remote) = (entry(&case["local"]), entry(&case["remote"]));
    let Some(conflict) = detector.detect(&local, &remote)? else { return Ok(None) };
    let report = detector.report(&conflict)?;
    assert_eq!(report.id(), conflict.id());
    assert_eq!(report.conflict_type(), Some(conflict.conflict_type));
    assert_eq!((&*report.table, &report.row_id), (conflict.table(), conflict.row_id()));
    assert_eq!(report.detected_at, conflict.detected_at);
    Ok(Some(report.into_owned()))
}

fn check_decision(report: &ConflictReport, wanted: &Value) {
    let winner = report.winner.to_string();
    assert_eq!(winner, text(wanted, "winner"));
    let is_head = !["merged", "pending"].contains(&&*winner);
    assert_eq!(report.winning_entry().map(|entry| entry.dot().to_string()), is_head.then_some(winner));
    assert_eq!(report.reason_code.name(), text(wanted, "reason_code"));
    assert_eq!(report.value(), payload(&wanted["value"]).as_deref());
}

fn check_report(report: &ConflictReport, wanted: &Value) {
    assert_eq!(report.class.name(), text(wanted, "conflict_class"));
    check_decision(report, wanted);
    assert_eq!(report.id().to_string(), text(wanted, "id"), "out of date: see the README of the vectors");
    assert_eq!(report.to_json(), text(wanted, "json"), "out of date: see the README of the vectors");
    assert_eq!(report.to_string(), text(wanted, "text"), "out of date: see the README of the vectors");
}

#[test]
fn conflicts() {
    if std::env::var_os("CAUSELOG_BLESS").is_some() {
        bless();
    }
    let mut vectors = Vectors::read("conflict.json");
    vectors.each("shapes", |case| {
        let shape = ConflictType::of(operation(&case["local"]), operation(&case["remote"]));
        assert_eq!(shape.name(), text(case, "conflict_type"));
        assert_eq!(shape.mirror().name(), text(case, "mirror"));
        assert_eq!(shape.class().name(), text(case, "conflict_class"));
    });
    vectors.each("classes", |case| {
        let operations = case["operations"].as_array().unwrap().iter().map(operation);
        assert_eq!(ConflictClass::of(operations).map(ConflictClass::name), case["conflict_class"].as_str());
    });
    vectors.each("detect", |case| match (case.get("error"), &case["conflict"]) {
        (Some(_), Value::Null) => fails(case, outcome(case)),
        (None, Value::Null) => assert_eq!(outcome(case).unwrap(), None),
        (_, wanted) => {
            let report = outcome(case).unwrap().expect("a conflict");
            assert_eq!(report.conflict_type().unwrap().name(), text(wanted, "conflict_type"));
            assert_eq!(report.winning_side().map(Side::name), wanted["winning_side"].as_str());
            check_report(&report, wanted);
        }
    });
    vectors.each("resolve", |case| match case.get("error") {
        Some(_) => fails(case, outcome(case)),
        None => {
            let report = outcome(case).unwrap().unwrap();
            let wanted = &case["report"];
            let order: Vec<Value> = report.heads.iter().map(|head| head.dot().to_string().into()).collect();
            assert_eq!(&order, wanted["order"].as_array().unwrap());
            assert_eq!((report.conflict_type(), report.winning_side()), (None, None));
            check_report(&report, wanted);
        }
    });
}

fn timestamp(value: &Value, key: &str) -> Timestamp {
    Timestamp::from_nanoseconds(number(value, key))
}

fn transaction(value: &Value) -> Transaction {
    let list = |key: &str| value[key].as_array().unwrap().iter();
    Transaction {
        node: node(value, "node"),
        sequence: number(value, "sequence"),
        dependencies: list("dependencies").map(|dot| dot.as_str().unwrap().parse().unwrap()).collect(),
        timestamp: timestamp(value, "timestamp"),
        changes: list("changes").map(change).collect(),
    }
}

/// The logs that a file describes.
struct Logs(HashMap<String, Vec<Transaction>>);

impl Logs {
    fn of(vectors: &mut Vectors) -> Logs {
        let mut logs = HashMap::new();
        vectors.each("logs", |case| {
            let transactions = case["transactions"].as_array().unwrap().iter().map(transaction).collect();
            assert_eq!(logs.insert(text(case, "name").to_owned(), transactions), None);
        });
        Logs(logs)
    }

    fn transactions(&self, case: &Value) -> &[Transaction] {
        &self.0[text(case, "log")]
    }

    /// The log of a case with its first `count` transactions.
    fn begin(&self, case: &Value, count: usize) -> ChangeLog {
        let options = LogOptions {
            node: Some("dddddddd-0000-4000-8000-000000000004".parse().unwrap()),
            time: Arc::new(ManualTime::new(Timestamp::MAX)),
            ..LogOptions::default()
        };
        let log = ChangeLog::in_memory(options).unwrap();
        for transaction in self.transactions(case).iter().take(count) {
            log.append_remote(transaction).unwrap();
        }
        log
    }

    fn open(&self, case: &Value) -> ChangeLog {
        self.begin(case, usize::MAX)
    }
}

fn options(case: &Value) -> Result<QueryOptions> {
    let mut options = QueryOptions::default();
    for (key, value) in case["options"].as_object().unwrap() {
        let string = || value.as_str().unwrap();
        let big = || Some(string().parse::<u64>().unwrap());
        let time = || Some(Timestamp::from_nanoseconds(string().parse().unwrap()));
        match key.as_str() {
            "tables" => options.tables = serde_json::from_value(value.clone()).unwrap(),
            "row_id" => options.row_id = Some(try_row_id(value)?),
            "operation" => options.operation = Some(string().parse()?),
            "node" => options.node = Some(string().parse().unwrap()),
            "transaction" => options.transaction = Some(string().parse()?),
            "unseen_by" => options.unseen_by = Some(VectorClock::from_json(string())?),
            "since" => options.since = big().unwrap(),
            "until" => options.until = big(),
            "since_time" => options.since_time = time(),
            "until_time" => options.until_time = time(),
            "limit" => options.limit = Some(value.as_u64().unwrap()),
            "reverse" => options.reverse = value.as_bool().unwrap(),
            other => panic!("no option: {other}"),
        }
    }
    Ok(options)
}

fn lsns(entries: impl Iterator<Item = Result<ChangeEntry>>) -> Value {
    entries.map(|entry| entry.unwrap().lsn).collect::<Vec<_>>().into()
}

#[test]
fn queries() {
    let mut vectors = Vectors::read("queries.json");
    let logs = Logs::of(&mut vectors);
    vectors.each("queries", |case| {
        let found = logs.open(case).query(options(case).unwrap()).unwrap();
        assert_eq!(lsns(found), case["lsns"]);
    });
    vectors.each("refused", |case| {
        let log = logs.open(case);
        if case.get("closed").is_some() {
            log.close().unwrap();
        }
        fails(case, options(case).and_then(|options| log.query(options)));
    });
}

fn moment(case: &Value) -> Moment {
    match &case["at"] {
        Value::String(now) if now == "now" => Moment::Now,
        at if at.get("lsn").is_some() => Moment::Lsn(number(at, "lsn")),
        at => timestamp(at, "time").into(),
    }
}

fn row(value: &Value) -> Option<Row> {
    (!value.is_null()).then(|| Row {
        row_id: row_id(&value["row_id"]),
        value: payload(&value["value"]),
        lsn: value["lsn"].as_u64().unwrap(),
        timestamp: timestamp(value, "timestamp"),
        dot: text(value, "dot").parse().unwrap(),
    })
}

fn check_rows(snapshot: &Snapshot, wanted: &Value) {
    let rows: Vec<Row> = wanted["rows"].as_array().unwrap().iter().map(|value| row(value).unwrap()).collect();
    let found: Vec<Row> = snapshot.iter().map(|row| (**row).clone()).collect();
    assert_eq!(found, rows);
    assert_eq!((snapshot.len(), snapshot.is_empty()), (rows.len(), rows.is_empty()));
    assert!(rows.iter().all(|row| snapshot.get(&row.row_id).map(|found| &**found) == Some(row)));
    assert_eq!(snapshot.lsn(), wanted["lsn"].as_u64().unwrap());
}

#[test]
fn time_travel() {
    let mut vectors = Vectors::read("time_travel.json");
    let logs = Logs::of(&mut vectors);
    vectors.each("states", |case| {
        let state = logs.open(case).state_at(text(case, "table"), row_id(&case["row_id"]), moment(case));
        assert_eq!(state.unwrap(), row(&case["row"]));
    });
    vectors.each("snapshots", |case| {
        let snapshot = logs.open(case).snapshot(text(case, "table"), moment(case)).unwrap();
        assert_eq!(snapshot.table(), text(case, "table"));
        check_rows(&snapshot, case);
    });
    vectors.each("histories", |case| {
        let history = logs.open(case).history(text(case, "table"), row_id(&case["row_id"]));
        assert_eq!(lsns(history.unwrap()), case["lsns"]);
    });
    vectors.each("views", |case| {
        let mut count = case["transactions"].as_u64().unwrap() as usize;
        let log = logs.begin(case, count);
        let view = log.materialise(text(case, "table")).unwrap();
        assert_eq!(view.table(), text(case, "table"));
        check_rows(&view.snapshot(), case);
        for refresh in case["refreshes"].as_array().unwrap() {
            let append = refresh["append"].as_u64().unwrap() as usize;
            for transaction in logs.transactions(case).iter().skip(count).take(append) {
                log.append_remote(transaction).unwrap();
            }
            count += append;
            assert_eq!(view.refresh().unwrap(), refresh["taken"].as_u64().unwrap());
            check_rows(&view.snapshot(), refresh);
        }
    });
    vectors.each("refused", |case| {
        let log = logs.open(case);
        let table = text(case, "table");
        let view = log.materialise("t").unwrap();
        if case.get("closed").is_some() {
            log.close().unwrap();
        }
        let row_id = case.get("row_id").map_or(Ok(RowId::from(1)), try_row_id);
        let outcome = match text(case, "call") {
            "history" => row_id.and_then(|row_id| log.history(table, row_id)).map(drop),
            "state_at" => row_id.and_then(|row_id| log.state_at(table, row_id, moment(case))).map(drop),
            "snapshot" => log.snapshot(table, moment(case)).map(drop),
            "materialise" => log.materialise(table).map(drop),
            "refresh" => view.refresh().map(drop),
            other => panic!("no call: {other}"),
        };
        fails(case, outcome);
    });
}

/// Writes the computed fields anew. They stand last in their line, so all else stays as it was written.
fn bless() {
    let file = path("conflict.json");
    let old = std::fs::read_to_string(&file).unwrap();
    let mut new = String::new();
    for line in old.lines() {
        let trimmed = line.trim_end_matches(',');
        let report = serde_json::from_str::<Value>(trimmed)
            .ok()
            .filter(|case| case["conflict"].is_object() || case["report"].is_object())
            .map(|case| outcome(&case).unwrap().expect("a conflict"));
        match report {
            None => new.push_str(line),
            Some(report) => {
                let written = trimmed.split_once(r#", "id": ""#).map(|(written, _)| written);
                let written = written.or(trimmed.strip_suffix("}}")).unwrap();
                let quote = |text: &str| serde_json::to_string(text).unwrap();
                let (id, json) = (quote(&report.id().to_string()), quote(&report.to_json()));
                let text = quote(&report.to_string());
                new.push_str(&format!(r#"{written}, "id": {id}, "json": {json}, "text": {text}}}}}"#));
                new.push_str(&line[trimmed.len()..]);
            }
        }
        new.push('\n');
    }
    std::fs::write(&file, new).unwrap();
}

fn resolution(case: &Value) -> Result<RowResolution> {
    let strategy: ConflictResolution = text(case, "strategy").parse()?;
    let entries: Vec<ChangeEntry> = case["entries"].as_array().unwrap().iter().map(entry).collect();
    ConflictDetector::new(strategy).resolve_row(&entries)
}

/// The reports of a row, as JSON: the standing one first.
fn reports(row: &RowResolution) -> Vec<String> {
    row.standing.iter().chain(&row.settled).map(ConflictReport::to_json).collect()
}

#[test]
fn resolutions() {
    if std::env::var_os("CAUSELOG_BLESS").is_some() {
        bless_resolutions();
    }
    let mut vectors = Vectors::read("resolution.json");
    vectors.each("rows", |case| {
        if case.get("error").is_some() {
            return fails(case, resolution(case));
        }
        let (row, wanted) = (resolution(case).unwrap(), &case["row"]);
        assert_eq!(row.is_live, flag(wanted, "is_live"));
        assert_eq!(row.value, payload(&wanted["value"]));
        let heads: Vec<Value> = row.heads.iter().map(|dot| dot.to_string().into()).collect();
        assert_eq!(&heads, wanted["heads"].as_array().unwrap());
        let check = |report: &ConflictReport, wanted: &Value| {
            assert_eq!(report.class.name(), text(wanted, "conflict_class"));
            assert_eq!(report.ancestor, payload(&wanted["ancestor"]));
            let settled_by = report.settled_by.map(|dot| dot.to_string());
            assert_eq!(settled_by.as_deref(), wanted.get("settled_by").and_then(Value::as_str));
            assert_eq!(report.leaves_live(), !wanted["value"].is_null());
            check_decision(report, wanted);
        };
        assert_eq!(row.standing.is_some(), !wanted["standing"].is_null());
        row.standing.iter().for_each(|report| check(report, &wanted["standing"]));
        let settled = wanted["settled"].as_array().unwrap();
        assert_eq!(row.settled.len(), settled.len());
        row.settled.iter().zip(settled).for_each(|(report, wanted)| check(report, wanted));
        let computed: Vec<Value> = reports(&row).into_iter().map(Value::from).collect();
        assert_eq!(
            &computed,
            case["reports"].as_array().unwrap(),
            "out of date: see the README of the vectors"
        );
    });
}

fn bless_resolutions() {
    let file = path("resolution.json");
    let old = std::fs::read_to_string(&file).unwrap();
    let mut new = String::new();
    for line in old.lines() {
        let trimmed = line.trim_end_matches(',');
        let case = serde_json::from_str::<Value>(trimmed).ok().filter(|case| case["row"].is_object());
        match case {
            None => new.push_str(line),
            Some(case) => {
                let written = trimmed.split_once(r#", "reports": ["#).map(|(written, _)| written);
                let written = written.or(trimmed.strip_suffix("}")).unwrap();
                let computed = serde_json::to_string(&reports(&resolution(&case).unwrap())).unwrap();
                new.push_str(&format!(r#"{written}, "reports": {computed}}}"#));
                new.push_str(&line[trimmed.len()..]);
            }
        }
        new.push('\n');
    }
    std::fs::write(&file, new).unwrap();
}
