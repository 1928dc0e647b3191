//! What compressing sealed segments saves, and what it costs those who read them; and what other codecs would.

use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use causelog::{Change, ChangeLog, ChangeOperation, Durability, LogOptions, QueryOptions, RowId, Uuid};
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::sample::{median, thousands};
use crate::workload::{Random, Workload};

/// How often everything that is read is read.
const ROUNDS: usize = 5;
/// How many rows are asked for their history.
const HISTORIES: usize = 2000;
/// Lengths of a block that codecs are tried with.
const BLOCKS: [usize; 3] = [16 << 10, 32 << 10, 64 << 10];

/// Writes the entries of each set, and prints what compressing them comes to. Of `trace` are those of a file of
/// transactions as the demo replays them.
pub(crate) fn run(directory: &Path, entries: u64, trace: Option<&Path>) -> Result<()> {
    let workload = Workload::new();
    let noise = |log: &ChangeLog| {
        for number in 0..entries {
            let entry = workload.entry(number);
            let id = RowId::from(Uuid::from_bytes(entry.row.id));
            log.append(Change::new(
                entry.row.table,
                id,
                operation(entry.insert),
                None,
                Some(entry.payload.to_vec()),
            ))?;
        }
        Ok(())
    };
    set("payloads that do not compress", &directory.join("noise"), 16 << 20, &noise)?;
    set("JSON of an order, 150 bytes", &directory.join("json"), 16 << 20, &|log| orders(log, entries))?;
    if let Some(trace) = trace {
        set("the trace", &directory.join("trace"), 64 << 10, &|log| replay(log, trace))?;
    }
    Ok(())
}

fn operation(insert: bool) -> ChangeOperation {
    if insert { ChangeOperation::Insert } else { ChangeOperation::Update }
}

/// Rows as programs have them: the same fields with values that differ.
fn orders(log: &ChangeLog, entries: u64) -> Result<()> {
    let mut random = Random(1);
    let mut pick = |end: u64| random.next() % end;
    for number in 0..entries {
        let row = pick(20_000) as i64;
        let status = ["new", "paid", "shipped", "cancelled"][pick(4) as usize];
        let city = ["Berlin", "Paris", "Lisbon", "Oslo", "Rome"][pick(5) as usize];
        let document = format!(
            "{{\"id\":{row},\"status\":\"{status}\",\"customer\":{},\"city\":\"{city}\",\"total\":{}.{:02},\
             \"updated_at\":\"2026-03-{:02}T{:02}:{:02}:{:02}Z\",\"note\":\"order {number} of the day\"}}",
            pick(5000),
            pick(1000),
            pick(100),
            1 + pick(28),
            pick(24),
            pick(60),
            pick(60),
        );
        log.append(Change::new(
            "orders",
            row,
            operation(number < 20_000),
            None,
            Some(document.into_bytes()),
        ))?;
    }
    Ok(())
}

/// The changes of a trace, in its order. Who wrote them does not matter here.
fn replay(log: &ChangeLog, trace: &Path) -> Result<()> {
    let file = fs::File::open(trace).with_context(|| format!("cannot read {}", trace.display()))?;
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let transaction: Value = serde_json::from_str(&line?)?;
        let mut changes = Vec::new();
        for change in transaction["changes"].as_array().into_iter().flatten() {
            let text =
                |field: &str| change[field].as_str().with_context(|| format!("a change has no {field}"));
            let image =
                |field: &str| change.get(field).filter(|value| !value.is_null()).map(Value::to_string);
            let operation =
                ChangeOperation::ALL.into_iter().find(|known| change["operation"] == known.name());
            changes.push(Change::new(
                text("table")?,
                text("row_id")?,
                operation.context("a change has no operation")?,
                image("before").map(String::into_bytes),
                image("after").map(String::into_bytes),
            ));
        }
        log.append_transaction(&changes)?;
    }
    Ok(())
}

fn set(name: &str, path: &Path, segment_bytes: u64, write: &dyn Fn(&ChangeLog) -> Result<()>) -> Result<()> {
    let options = LogOptions { durability: Durability::Os, segment_bytes, ..LogOptions::default() };
    let log = ChangeLog::open_with(path, options)?;
    write(&log)?;
    log.sync()?;
    let stats = log.stats()?;
    let (entries, segments) = (thousands(stats.entries as f64), stats.segments);
    println!("compression: {name}; {entries} entries in {segments} segments");
    let rows = some_rows(&log)?;
    let plain = Reading::of(&log, &rows)?;
    codecs(&path.join("00000000000000000001.segment"))?;

    let start = Instant::now();
    let report = log.compress()?;
    let time = start.elapsed().as_secs_f64();
    let (before, after) = (report.bytes_before as f64, report.bytes_after as f64);
    if report.segments == 0 {
        println!("  compress: no segment got shorter, which took {time:.2} s\n");
    } else {
        println!(
            "  compress: {} segments, {} B to {} B, ratio {:.2}, {:.0} MB/s, synced",
            report.segments,
            thousands(before),
            thousands(after),
            before / after,
            before / time / 1e6
        );
        let compressed = Reading::of(&log, &rows)?;
        ensure!(compressed.entries == plain.entries, "something else is in the log");
        let line = |what: &str, plain: String, compressed: String, ratio: f64| {
            println!("  {what}: {plain} plain, {compressed} compressed, × {ratio:.2}");
        };
        let rate = |reading: &Reading| thousands(reading.scan) + " entries/s";
        line("scan", rate(&plain), rate(&compressed), compressed.scan / plain.scan);
        let cost = |reading: &Reading| format!("{:.1} µs", reading.history);
        line("history of a row", cost(&plain), cost(&compressed), compressed.history / plain.history);
        println!();
    }
    log.close()?;
    fs::remove_dir_all(path)?;
    Ok(())
}

/// Rows that the log has changes of, scattered.
fn some_rows(log: &ChangeLog) -> Result<Vec<(String, RowId)>> {
    let last = log.stats()?.last_lsn;
    let mut random = Random(2);
    let mut rows = Vec::new();
    for _ in 0..HISTORIES {
        let since = random.next() % last;
        for entry in log.query(QueryOptions { since, limit: Some(1), ..QueryOptions::default() })? {
            let entry = entry?;
            rows.push((entry.table, entry.row_id));
        }
    }
    Ok(rows)
}

/// What reading a log costs: the median of some rounds.
struct Reading {
    entries: u64,
    /// Entries in a second.
    scan: f64,
    /// Microseconds for all changes of one row.
    history: f64,
}

impl Reading {
    fn of(log: &ChangeLog, rows: &[(String, RowId)]) -> Result<Reading> {
        let (mut entries, mut scans, mut histories) = (0, Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let mut cursor = log.query(QueryOptions::default())?;
            entries = 0;
            while let Some(entry) = cursor.next_entry()? {
                black_box(entry.after);
                entries += 1;
            }
            scans.push(entries as f64 / start.elapsed().as_secs_f64());
            let start = Instant::now();
            for (table, row) in rows {
                let mut cursor = log.history(table, row.clone())?;
                while let Some(entry) = cursor.next_entry()? {
                    black_box(entry.after);
                }
            }
            histories.push(start.elapsed().as_secs_f64() * 1e6 / rows.len() as f64);
        }
        let middle = |values: &mut [f64]| median(values).unwrap_or_default();
        Ok(Reading { entries, scan: middle(&mut scans), history: middle(&mut histories) })
    }
}

type Coder = fn(&[u8]) -> Result<Vec<u8>>;
type Decoder = fn(&[u8], &mut [u8]) -> Result<usize>;

/// The codec of the library, and others that it could have.
const CODECS: [(&str, Coder, Decoder); 4] = [
    (
        "lz4_flex",
        |block| Ok(lz4_flex::block::compress(block)),
        |stored, block| Ok(lz4_flex::block::decompress_into(stored, block)?),
    ),
    (
        "miniz_oxide, level 1",
        |block| {
            let mut coder = flate2::Compress::new(flate2::Compression::fast(), false);
            let mut stored = Vec::with_capacity(block.len() + 1024);
            coder.compress_vec(block, &mut stored, flate2::FlushCompress::Finish)?;
            Ok(stored)
        },
        |stored, block| {
            let mut decoder = flate2::Decompress::new(false);
            decoder.decompress(stored, block, flate2::FlushDecompress::Finish)?;
            Ok(decoder.total_out() as usize)
        },
    ),
    (
        "ruzstd, fastest",
        |block| Ok(ruzstd::encoding::compress_to_vec(block, ruzstd::encoding::CompressionLevel::Fastest)),
        |stored, block| Ok(ruzstd::decoding::FrameDecoder::new().decode_all(stored, block)?),
    ),
    (
        "zstd in C, level 1",
        |block| Ok(zstd::bulk::compress(block, 1)?),
        |stored, block| Ok(zstd::bulk::decompress_to_buffer(stored, block)?),
    ),
];

fn codecs(segment: &Path) -> Result<()> {
    let content = fs::read(segment)?;
    for (name, compress, decompress) in CODECS {
        for block in BLOCKS {
            let start = Instant::now();
            let stored = content.chunks(block).map(compress).collect::<Result<Vec<_>>>()?;
            let compressing = start.elapsed().as_secs_f64();
            let mut again = vec![0; block];
            let start = Instant::now();
            for (stored, content) in stored.iter().zip(content.chunks(block)) {
                let length = decompress(stored, &mut again)?;
                ensure!(again.get(..length) == Some(content), "{name}: something else came out of it");
            }
            let decompressing = start.elapsed().as_secs_f64();
            let all: usize = stored.iter().map(Vec::len).sum();
            let rate = |seconds: f64| content.len() as f64 / seconds / 1e6;
            println!(
                "  {name:20} {:2} KiB  ratio {:.2}  compress {:5.0} MB/s  decompress {:5.0} MB/s",
                block >> 10,
                content.len() as f64 / all as f64,
                rate(compressing),
                rate(decompressing)
            );
        }
    }
    Ok(())
}
