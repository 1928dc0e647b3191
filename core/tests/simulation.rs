//! Five to nine replicas that write, exchange, lose messages, get them twice and in the wrong order, are cut off from each other, die and
//! come back, and whose wall clocks jump: in the end all show the same.
//!
//! Everything follows from a printed seed. `CAUSELOG_SEED` runs a single one, `CAUSELOG_SEEDS` so many, `CAUSELOG_OPERATIONS` makes each so
//! long. A seed that fails is made as short as it can be before it is shown.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    ChangeEntry, ChangeOperation, ConflictDetector, ConflictQuery, ConflictReport, ConflictResolution,
    Durability, EffectivePosition, Error, ErrorCode, LogOptions, ManualTime, QueryOptions, Replica,
    ReplicaOptions, ReplicaStats, ResolverDecision, ResolverRegistry, RowId, Transaction, VectorClock, Write,
    sync,
};
use common::faulty::{FaultyStorage, Mode};
use common::strategies::{longest, registry, tables};
use common::{CountingIds, Random, at, node};

const ROWS: usize = 3;
const SECOND: i64 = 1_000_000_000;
const YEAR: i64 = 365 * 24 * 3600 * SECOND;

/// One step. Numbers are taken modulo what there is, so that any steps make a run.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A replica writes a row, in whichever way makes sense there.
    Write {
        replica: usize,
        table: usize,
        row: usize,
        way: usize,
    },
    /// Several rows at once.
    Together {
        replica: usize,
        table: usize,
        way: usize,
    },
    /// One tells another what that one lacks; the message is on its way.
    Send {
        from: usize,
        to: usize,
    },
    /// A message arrives: the one of this number, perhaps once more later.
    Arrive {
        message: usize,
        again: bool,
    },
    Lose {
        message: usize,
    },
    Exchange {
        a: usize,
        b: usize,
    },
    /// Those on one side do not hear those on the other.
    Part {
        sides: usize,
    },
    Heal,
    /// The process, or the machine, of a replica dies and is started anew; perhaps in the middle of something.
    Die {
        replica: usize,
        after: usize,
        way: usize,
    },
    Jump {
        replica: usize,
        by: i64,
    },
    Pass {
        seconds: i64,
    },
    Decide {
        replica: usize,
        way: usize,
    },
    /// Whoever reads what the rows became catches up.
    Follow {
        replica: usize,
    },
}

fn step(random: &mut Random) -> Step {
    let replica = random.below(64);
    match random.below(100) {
        0..45 => Step::Write {
            replica,
            table: random.below(64),
            row: random.below(ROWS),
            way: random.below(1 << 20),
        },
        45..49 => Step::Together { replica, table: random.below(64), way: random.below(1 << 20) },
        49..59 => Step::Send { from: replica, to: random.below(64) },
        59..69 => Step::Arrive { message: random.below(64), again: random.chance(30) },
        69..72 => Step::Lose { message: random.below(64) },
        72..82 => Step::Exchange { a: replica, b: random.below(64) },
        82..84 => Step::Part { sides: random.below(1 << 9) },
        84..86 => Step::Heal,
        86..89 => Step::Die { replica, after: random.below(12), way: random.below(1 << 20) },
        89..91 => {
            Step::Jump { replica, by: [-YEAR, -SECOND, 30 * SECOND, 300 * SECOND, YEAR][random.below(5)] }
        }
        91..94 => Step::Pass { seconds: 1 + random.below(100) as i64 },
        94..97 => Step::Decide { replica, way: random.below(1 << 20) },
        _ => Step::Follow { replica },
    }
}

/// One replica, where it lives and who follows it.
struct Site {
    number: u64,
    storage: FaultyStorage,
    time: Arc<ManualTime>,
    /// Set while the process is up, which it is between steps.
    replica: Option<Replica>,
    durability: Durability,
    /// The rows as somebody has them who only reads what became of them.
    followed: BTreeMap<(String, RowId), Vec<u8>>,
    position: EffectivePosition,
    deaths: u64,
}

impl Site {
    fn new(number: u64) -> Site {
        let time = Arc::new(ManualTime::new(at(YEAR * 50)));
        let durability = if number.is_multiple_of(2) { Durability::Sync } else { Durability::Os };
        let (followed, position) = Default::default();
        let storage = FaultyStorage::new();
        let mut site =
            Site { number, storage, time, replica: None, durability, followed, position, deaths: 0 };
        site.start();
        site
    }

    fn start(&mut self) {
        let log = LogOptions {
            node: (self.deaths == 0).then(|| node(self.number + 1)),
            time: self.time.clone(),
            ids: CountingIds::from(1_000 * (self.number + 1) + 100 * self.deaths + 1_000_000),
            durability: self.durability,
            segment_bytes: 16 << 10,
            ..LogOptions::default()
        };
        let options = ReplicaOptions {
            log,
            registry: Some(registry()),
            resolvers: vec![("longest".to_owned(), 1, Arc::new(longest))],
            // None, or so little that histories are read again and again, or enough.
            history_memory: [0, 4 << 10, 1 << 20][self.number as usize % 3],
            ..ReplicaOptions::default()
        };
        self.replica = Some(Replica::open_storage(Arc::new(self.storage.clone()), options).unwrap());
    }

    fn replica(&self) -> &Replica {
        self.replica.as_ref().unwrap()
    }

    /// The process ends, often as it stands, and is started anew.
    fn die(&mut self, seed: usize, acknowledged: &VectorClock) {
        if seed.is_multiple_of(3) {
            // It may have died in the middle of a write before.
            let _ = self.replica().close();
        }
        // Whatever it does on its way out does not get anywhere.
        self.storage.fail_at(self.storage.operations() + 1, Mode::Crash);
        self.replica = None;
        self.storage.restart();
        if self.durability == Durability::Sync && seed.is_multiple_of(2) {
            self.storage = copied(&self.storage.after_power_loss(seed as u64));
        }
        self.deaths += 1;
        self.start();
        let mut frontier = self.replica().log().frontier().unwrap();
        let kept = frontier.clone();
        frontier.merge(acknowledged);
        assert_eq!(kept, frontier, "what was acknowledged is lost");
    }

    /// Takes in what the rows became.
    fn follow(&mut self) {
        loop {
            let seen = self.replica.as_ref().unwrap().effective(self.position, 7).unwrap();
            if seen.next == self.position {
                return;
            }
            self.position = seen.next;
            for change in seen.changes {
                let key = (change.table.clone(), change.row_id.clone());
                assert_eq!(self.followed.get(&key), change.before.as_ref(), "{change:?}");
                assert_ne!(change.before, change.after, "{change:?}");
                let operation = match (&change.before, &change.after) {
                    (None, _) => ChangeOperation::Insert,
                    (_, None) => ChangeOperation::Delete,
                    _ => ChangeOperation::Update,
                };
                assert_eq!(change.operation, operation);
                match change.after {
                    Some(after) => self.followed.insert(key, after),
                    None => self.followed.remove(&key),
                };
            }
        }
    }

    fn check_followed(&mut self) {
        self.follow();
        let replica = self.replica.as_ref().unwrap();
        let mut rows = BTreeMap::new();
        for table in tables() {
            for row in replica.rows(&table).unwrap() {
                rows.insert((table.clone(), row.row_id), row.value.unwrap());
            }
        }
        assert_eq!(self.followed, rows);
    }
}

/// The same files on a disk of their own.
fn copied(memory: &MemoryStorage) -> FaultyStorage {
    let copy = FaultyStorage::new();
    for name in memory.list().unwrap() {
        if name != common::ENDS && name != "lock" {
            let file = memory.open(&name).unwrap();
            let mut bytes = vec![0; file.length().unwrap() as usize];
            file.read_at(0, &mut bytes).unwrap();
            copy.replace(&name, &bytes).unwrap();
        }
    }
    copy
}

struct World {
    sites: Vec<Site>,
    messages: Vec<(usize, usize, Vec<Transaction>)>,
    sides: Option<usize>,
    writes: u64,
}

fn is_expected(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::ClockSkew
            | ErrorCode::MissingDependency
            | ErrorCode::VersionMismatch
            | ErrorCode::InvalidArgument
    )
}

impl World {
    fn new(sites: usize) -> World {
        World {
            sites: (0..sites as u64).map(Site::new).collect(),
            messages: Vec::new(),
            sides: None,
            writes: 0,
        }
    }

    fn hears(&self, a: usize, b: usize) -> bool {
        self.sides.is_none_or(|sides| (sides >> a) & 1 == (sides >> b) & 1)
    }

    /// The row that a write makes of what is there.
    fn payload(&mut self, before: Option<&[u8]>, way: usize) -> Vec<u8> {
        self.writes += 1;
        let mut row: serde_json::Value =
            before.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_else(
                || serde_json::json!({"qty": 1, "high": 5, "low": 5, "tags": ["a"], "status": "new"}),
            );
        let number = (way / 7 % 9) as i64;
        match way % 6 {
            0 => row["qty"] = number.into(),
            1 => row["tags"] = vec![["a", "b", "c"][way / 7 % 3], "d"].into(),
            2 => row["high"] = number.into(),
            3 => row["low"] = number.into(),
            4 => row["status"] = format!("s{}", self.writes).into(),
            _ => {
                row.as_object_mut().unwrap().remove("status");
            }
        }
        row.to_string().into_bytes()
    }

    fn write(&mut self, site: usize, table: &str, row: usize, way: usize) -> Result<(), Error> {
        let row_id = row as i64;
        let now = self.sites[site].replica().get(table, row_id)?;
        let after = self.payload(now.as_ref().and_then(|row| row.value.as_deref()), way);
        let replica = self.sites[site].replica();
        let heads = replica.heads(table, row_id)?;
        match (now, way / 100 % 10) {
            (None, _) => replica.write([Write::insert(table, row_id, after).expecting(heads)]),
            (Some(_), 0) => replica.write([Write::delete(table, row_id).expecting(heads)]),
            (Some(_), 1) => replica.increment(table, row_id, "qty", (way % 5) as i64 - 2),
            (Some(_), 2) => replica.patch(table, row_id, r#"{"status":"patched"}"#, &["low"]),
            (Some(_), 3) => replica.update(table, row_id, after),
            (Some(_), _) => replica.write([Write::update(table, row_id, after).expecting(heads)]),
        }
        .map(drop)
    }

    fn together(&mut self, site: usize, table: &str, way: usize) -> Result<(), Error> {
        let mut writes = Vec::new();
        for row in 0..ROWS {
            let row_id = row as i64;
            let now = self.sites[site].replica().get(table, row_id)?;
            let heads = self.sites[site].replica().heads(table, row_id)?;
            let after = self.payload(now.as_ref().and_then(|row| row.value.as_deref()), way + row);
            writes.push(match now {
                None => Write::insert(table, row_id, after).expecting(heads),
                Some(_) if (way >> row).is_multiple_of(4) => Write::delete(table, row_id).expecting(heads),
                Some(_) => Write::update(table, row_id, after).expecting(heads),
            });
        }
        // The same row twice in one transaction.
        if writes[0].operation != ChangeOperation::Delete {
            writes.push(Write::delete(table, 0).expecting(writes[0].expected.clone().unwrap()));
        }
        self.sites[site].replica().write(writes).map(drop)
    }

    fn apply(&self, site: usize, transactions: &[Transaction]) {
        for transaction in transactions {
            match self.sites[site].replica().apply(transaction) {
                Err(error) if !is_expected(&error) => panic!("{error:?}"),
                _ => {}
            }
        }
    }

    fn exchange(&self, a: usize, b: usize) -> u64 {
        let report = sync(self.sites[a].replica(), self.sites[b].replica()).unwrap();
        for skipped in report.skipped.iter().chain(&report.refused) {
            assert!(
                matches!(skipped.code, ErrorCode::ClockSkew | ErrorCode::MissingDependency),
                "{skipped:?}"
            );
        }
        report.sent + report.received
    }

    fn take(&mut self, step: Step) {
        let count = self.sites.len();
        let tables = tables();
        let outcome = match step {
            Step::Write { replica, table, row, way } => {
                self.write(replica % count, &tables[table % tables.len()], row, way)
            }
            Step::Together { replica, table, way } => {
                self.together(replica % count, &tables[table % tables.len()], way)
            }
            Step::Send { from, to } => {
                let (from, to) = (from % count, to % count);
                if from != to && self.hears(from, to) {
                    let seen = self.sites[to].replica().log().frontier().unwrap();
                    let log = self.sites[from].replica().log();
                    let lacking = log.transactions(&seen).unwrap().map(Result::unwrap).collect();
                    self.messages.push((from, to, lacking));
                }
                Ok(())
            }
            Step::Arrive { message, again } => {
                if !self.messages.is_empty() {
                    let number = message % self.messages.len();
                    let (from, to, _) = self.messages[number];
                    if self.hears(from, to) {
                        let (_, to, transactions) = self.messages[number].clone();
                        self.apply(to, &transactions);
                        if !again {
                            self.messages.swap_remove(number);
                        }
                    }
                }
                Ok(())
            }
            Step::Lose { message } => {
                if !self.messages.is_empty() {
                    let number = message % self.messages.len();
                    self.messages.swap_remove(number);
                }
                Ok(())
            }
            Step::Exchange { a, b } => {
                let (a, b) = (a % count, b % count);
                if a != b && self.hears(a, b) {
                    self.exchange(a, b);
                }
                Ok(())
            }
            Step::Part { sides } => {
                self.sides = Some(sides);
                Ok(())
            }
            Step::Heal => {
                self.sides = None;
                Ok(())
            }
            Step::Die { replica, after, way } => {
                let site = replica % count;
                let acknowledged = self.sites[site].replica().log().frontier().unwrap();
                // In the middle of a write or of taking something in, or just so.
                let storage = self.sites[site].storage.clone();
                storage.fail_at(storage.operations() + 1 + after as u64, Mode::Torn(way % 200));
                match way % 3 {
                    0 => drop(self.write(site, &tables[way % tables.len()], way % ROWS, way)),
                    1 => {
                        let other = (site + 1) % count;
                        let _ = sync(self.sites[site].replica(), self.sites[other].replica());
                    }
                    _ => {}
                }
                self.sites[site].die(way, &acknowledged);
                Ok(())
            }
            Step::Jump { replica, by } => {
                let time = &self.sites[replica % count].time;
                let _ = time.advance(by);
                Ok(())
            }
            Step::Pass { seconds } => {
                self.sites.iter().for_each(|site| drop(site.time.advance(seconds * SECOND)));
                Ok(())
            }
            Step::Decide { replica, way } => self.decide(replica % count, way),
            Step::Follow { replica } => {
                self.sites[replica % count].follow();
                Ok(())
            }
        };
        match outcome {
            Err(error) if !is_expected(&error) => panic!("{step:?}: {error:?}"),
            _ => {}
        }
    }

    fn decide(&mut self, site: usize, way: usize) -> Result<(), Error> {
        let replica = self.sites[site].replica();
        let items = replica.inbox()?;
        let Some(item) = items.get(way % items.len().max(1)) else { return Ok(()) };
        let (table, row_id) = (item.report.table.clone(), item.report.row_id.clone());
        let heads: Vec<_> = item.report.heads.iter().map(|head| head.dot()).collect();
        let _ = replica.claim(&table, row_id.clone(), ["alice", "bob"][way % 2]);
        let decision = match way / 2 % 4 {
            0 => ResolverDecision::Delete,
            1 => ResolverDecision::Value(br#"{"qty":3,"high":1,"low":1,"tags":[]}"#.to_vec()),
            _ => ResolverDecision::Head(heads[way % heads.len()]),
        };
        replica.resolve(&table, row_id, decision, &heads).map(drop)
    }

    /// Everybody hears everybody until nobody has anything new; then all must be alike.
    fn end(&mut self) {
        self.messages.clear();
        self.sides = None;
        // The clocks that ran ahead are caught up with.
        let latest = self.sites.iter().filter_map(|site| site.replica().log().stats().unwrap().newest).max();
        let now = latest.map_or(0, |latest| latest.nanoseconds()).max(YEAR * 50);
        self.sites.iter().for_each(|site| site.time.set(at(now)));
        loop {
            let count = self.sites.len();
            let moved: u64 = (1..count).chain(1..count).map(|other| self.exchange(0, other)).sum();
            if moved == 0 {
                break;
            }
        }
        let first = Shown::of(self.sites[0].replica());
        for site in &self.sites[1..] {
            first.compare(&Shown::of(site.replica()));
        }
        first.check_plainly(self.sites[0].replica());
        self.sites[0].check_reports();
        for site in &mut self.sites {
            site.check_followed();
            let acknowledged = site.replica().log().frontier().unwrap();
            site.die(1, &acknowledged);
            first.compare(&Shown::of(site.replica()));
            // Once more by what it keeps, and once by its log alone.
            site.die(3, &acknowledged);
            first.compare(&Shown::of(site.replica()));
            let (kept, stats) = (site.storage.open("heads").is_ok(), site.replica().stats().unwrap());
            assert!(kept || stats.rows == 0);
            site.replica = None;
            let _ = site.storage.remove("heads");
            site.start();
            first.compare(&Shown::of(site.replica()));
            let counts = |stats: ReplicaStats| {
                (stats.rows, stats.contested_rows, stats.settlings, stats.before_mismatches)
            };
            assert_eq!(counts(site.replica().stats().unwrap()), counts(stats));
        }
    }
}

impl Site {
    /// Every report comes out the same again, and other rules leave no trace.
    fn check_reports(&self) {
        let replica = self.replica();
        let reports = replica.query_conflicts(&ConflictQuery::default()).unwrap();
        for report in &reports {
            assert_eq!(replica.replay(report).unwrap(), *report);
        }
        let before = (self.storage.operations(), replica.stats().unwrap());
        let other = ResolverRegistry::new(ConflictResolution::FirstWriteWins);
        let answers = replica.what_if(&other, &ConflictQuery::default()).unwrap();
        assert_eq!(answers.len(), reports.len());
        assert_eq!((self.storage.operations(), replica.stats().unwrap()), before);
        assert_eq!(replica.query_conflicts(&ConflictQuery::default()).unwrap(), reports);
    }
}

/// All that a replica says of its rows.
struct Shown {
    rows: Vec<(String, Vec<causelog::ReplicaRow>)>,
    standing: Vec<String>,
    settled: Vec<String>,
    stories: Vec<String>,
}

fn sorted(reports: &[ConflictReport]) -> Vec<String> {
    let mut reports: Vec<String> = reports.iter().map(ConflictReport::to_json).collect();
    reports.sort();
    reports
}

impl Shown {
    fn of(replica: &Replica) -> Shown {
        let rows = tables().into_iter().map(|table| (table.clone(), replica.rows(&table).unwrap())).collect();
        let stories = tables().iter().map(|table| replica.why(table, 0).unwrap().to_string()).collect();
        let standing = sorted(&replica.conflicts().unwrap());
        Shown { rows, standing, settled: sorted(&replica.settled_conflicts().unwrap()), stories }
    }

    fn compare(&self, other: &Shown) {
        assert_eq!(self.rows, other.rows);
        assert_eq!(self.standing, other.standing);
        assert_eq!(self.settled, other.settled);
        assert_eq!(self.stories, other.stories);
    }

    /// What a plain function of each row's entries says.
    fn check_plainly(&self, replica: &Replica) {
        let registry = registry();
        for (table, rows) in &self.rows {
            for row_id in 0..ROWS as i64 {
                let entries: Vec<ChangeEntry> = replica
                    .log()
                    .query(QueryOptions::row(table.clone(), row_id))
                    .unwrap()
                    .map(Result::unwrap)
                    .collect();
                let (_, strategy) = registry.rule(table, causelog::ConflictClass::UpdateUpdate);
                if entries.is_empty() || table == "mixed" || strategy.kind() == "custom" {
                    continue;
                }
                let wanted = ConflictDetector::new(strategy.clone()).resolve_row(&entries).unwrap();
                let found = rows.iter().find(|row| row.row_id == RowId::from(row_id));
                assert_eq!(found.map(|row| &row.value), wanted.is_live.then_some(&wanted.value));
                assert_eq!(replica.heads(table, row_id).unwrap(), wanted.heads);
            }
        }
    }
}

fn run(sites: usize, steps: &[Step]) -> Result<(), String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(sites);
        steps.iter().for_each(|step| world.take(*step));
        world.end();
    }));
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// The fewest steps that still fail.
fn shrink(sites: usize, mut steps: Vec<Step>) -> Vec<Step> {
    let mut length = steps.len() / 2;
    let mut tries = 0..400;
    while length > 0 {
        let mut start = 0;
        while start < steps.len() && tries.next().is_some() {
            let mut fewer = steps.clone();
            fewer.drain(start..(start + length).min(fewer.len()));
            if run(sites, &fewer).is_err() { steps = fewer } else { start += length }
        }
        length /= 2;
    }
    steps
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn simulate(seed: u64, operations: usize) {
    let mut random = Random(seed);
    let sites = 5 + random.below(5);
    let steps: Vec<Step> = (0..operations).map(|_| step(&mut random)).collect();
    if let Err(failure) = run(sites, &steps) {
        println!("CAUSELOG_SEED={seed} with {sites} replicas fails: {failure}");
        let shortest = shrink(sites, steps);
        let failure = run(sites, &shortest).unwrap_err();
        panic!("CAUSELOG_SEED={seed}, {sites} replicas, {} steps: {failure}\n{shortest:#?}", shortest.len());
    }
}

#[test]
fn replicas_that_have_heard_all_show_the_same() {
    let operations = setting("CAUSELOG_OPERATIONS", 60) as usize;
    if let Ok(seed) = std::env::var("CAUSELOG_SEED") {
        return simulate(seed.parse().unwrap(), operations);
    }
    let seeds = setting("CAUSELOG_SEEDS", 1000);
    (0..seeds).for_each(|seed| simulate(seed, operations));
    println!("CAUSELOG_SEED=0 to {} with {operations} operations each", seeds - 1);
}

#[test]
fn thousands_of_operations_end_alike_too() {
    (0..3).for_each(|seed| simulate(1_000_000 + seed, 2_000));
}
