//! Conflicts between entries that may never have been in a log.

use std::sync::Arc;

use causelog::{
    ChangeEntry, ChangeOperation, ConflictDetector, ConflictReport, ConflictResolution, ErrorCode,
    ManualTime, RowId, RowResolution, Timestamp, Verdict, Winner,
};
use serde::de::IgnoredAny;

use super::input::Input;

const STRATEGIES: [&str; 9] = [
    "last_write_wins",
    "vector_clock_causal",
    "first_write_wins",
    "manual",
    r#"{"kind":"node_priority","order":["00000000-0000-4000-8000-000000000001"]}"#,
    r#"{"kind":"delete_wins","fallback":"first_write_wins"}"#,
    r#"{"kind":"update_wins","fallback":"manual"}"#,
    r#"{"kind":"field_merge","liveness":"update_wins","fields":{"a":"counter","b":"set","c":"max","d":"min"}}"#,
    r#"{"kind":"custom","name":"nobody","version":1}"#,
];

/// Of any entries, forged clocks among them: both sides see the same conflict, the order of the
/// entries makes no difference, and a report is one line of JSON.
pub fn conflict(data: &[u8]) {
    let mut input = Input(data);
    let resolution: ConflictResolution = STRATEGIES[input.below(STRATEGIES.len())].parse().unwrap();
    let time = Arc::new(ManualTime::new(Timestamp::from_nanoseconds(1)));
    let detector = ConflictDetector::with_time(resolution, time);
    let settled_by = input.flag().then(|| input.dot());
    let mut entries: Vec<ChangeEntry> = (0..2 + input.below(4)).map(|_| entry(&mut input)).collect();
    if input.flag() {
        let nearly = ChangeEntry { before: input.image(), metadata: input.metadata(), ..entries[0].clone() };
        entries.push(nearly);
    }

    pair(&detector, &entries[0], &entries[1]);
    let row = detector.resolve_row(&entries);
    let forwards = detector.resolve(&entries, settled_by).map(ConflictReport::into_owned);
    let turn = input.below(entries.len());
    entries.rotate_left(turn);
    entries.reverse();
    match (row, detector.resolve_row(entries.iter().chain(&entries))) {
        (Ok(one), Ok(other)) => {
            one.standing.iter().chain(&one.settled).for_each(renders);
            // Positions are a log's own: of two copies of an entry either may be reported.
            let told = |row: &RowResolution| {
                let reports = row.standing.iter().chain(&row.settled).map(ConflictReport::to_json);
                (row.is_live, row.value.clone(), row.heads.clone(), reports.collect::<Vec<_>>())
            };
            assert_eq!(told(&one), told(&other));
        }
        (Err(one), Err(other)) => assert_eq!(one.code(), other.code()),
        (one, other) => panic!("a row in one order only: {one:?}, {other:?}"),
    }
    let backwards = detector.resolve(entries.iter().chain(&entries), settled_by);
    match (&forwards, &backwards) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one.settled_by, settled_by);
            renders(one);
            same(one, other);
        }
        (Err(one), Err(other)) => {
            for error in [one, other] {
                let code = error.code();
                assert!(matches!(code, ErrorCode::InvalidArgument | ErrorCode::DotReuse), "{code}: {error}");
            }
        }
        _ => panic!("resolved in one order only: {forwards:?}, {backwards:?}"),
    }
}

/// Any entry, mostly of one row.
fn entry(input: &mut Input<'_>) -> ChangeEntry {
    let strange = input.byte();
    let clock = (0..input.below(5)).map(|_| (input.node(), input.number())).collect();
    ChangeEntry {
        lsn: u64::from(strange),
        node: input.node(),
        sequence: input.number(),
        vector_clock: clock,
        timestamp: input.timestamp(),
        transaction: input.dot(),
        table: if strange < 0xf0 { "t".to_owned() } else { input.table() },
        row_id: if strange < 0xe0 { RowId::from(1) } else { input.row_id() },
        operation: input.operation(),
        before: input.image(),
        after: input.image(),
        verdict: (strange & 1 == 1).then_some(Verdict::Merged),
        metadata: input.metadata(),
    }
}

/// A conflict between two entries is the same from both sides.
fn pair(detector: &ConflictDetector, a: &ChangeEntry, b: &ChangeEntry) {
    let (here, there) = match (detector.detect(a, b), detector.detect(b, a)) {
        (Ok(Some(here)), Ok(Some(there))) => (here, there),
        (Ok(None), Ok(None)) => return,
        (Err(one), Err(other)) => {
            assert_eq!(one.code(), other.code());
            assert!(matches!(one.code(), ErrorCode::InvalidArgument | ErrorCode::DotReuse), "{one}");
            return;
        }
        (one, other) => panic!("only one side sees a conflict: {one:?}, {other:?}"),
    };
    assert_eq!((here.id(), here.conflict_type.mirror()), (there.id(), there.conflict_type));
    let (ours, theirs) = (detector.report(&here).unwrap(), detector.report(&there).unwrap());
    assert_eq!(ours.id(), here.id());
    assert_eq!(ours.conflict_type(), Some(here.conflict_type));
    let nobody = !matches!(ours.winner, Winner::Head(_));
    assert_eq!(ours.winning_side().is_none(), nobody);
    assert!(nobody || ours.winning_side() != theirs.winning_side());
    renders(&ours);
    same(&ours, &theirs);
}

fn same(one: &ConflictReport, other: &ConflictReport) {
    assert_eq!(one.to_json(), other.to_json());
    assert_eq!(one.to_string(), other.to_string());
}

fn renders(report: &ConflictReport) {
    let json = report.to_json();
    assert!(!json.contains(['\n', '\r']), "more than one line: {json}");
    serde_json::from_str::<IgnoredAny>(&json).unwrap();
    assert!(!report.to_string().is_empty());
    assert!(!report.reason().is_empty());
    match report.winner {
        Winner::Head(dot) => {
            let winner = report.winning_entry().unwrap();
            // No log holds a delete with a payload; whoever makes one up has deleted the row all the same.
            let is_there = winner.operation != ChangeOperation::Delete;
            let value = winner.after.as_deref().filter(|_| is_there);
            assert_eq!((winner.dot(), value), (dot, report.value()));
        }
        _ => assert_eq!(report.winning_entry(), None),
    }
}
