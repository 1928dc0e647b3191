// Replays a trace of many nodes' transactions into a log, and reports every conflict in it.

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { ChangeLog, ConflictDetector, ManualTime, encodeRowId, parseTimestamp } from '../../bindings/node/index.js'
import { Failure, at } from './failure.mjs'
import { readTrace } from './trace.mjs'

// The moment at which the replay takes place: later than any trace, and the same in every run.
const NOW = parseTimestamp('2100-01-01T00:00:00Z')

const USAGE = `usage: replay TRACE --log DIR --reports FILE --summary FILE

Records a trace of transactions in a log, compares every two changes of every row, and reports the conflicts.

  TRACE           the trace: JSON Lines, compressed with gzip if the name ends in .gz
  --log DIR       the directory of the log, made if it is not there
  --reports FILE  where to write the conflict reports, as JSON Lines
  --summary FILE  where to write the numbers, as JSON
  --help          show this
`

// Comparing every two changes of every row.

/** What the comparisons need of an entry, taken out of it once. */
function seenOf(entry) {
  const { dot, operation, after, vectorClock: clock } = entry
  return { entry, dot, operation, after: after?.toString('latin1'), clock }
}

const disagree = (entries) => new Set(entries.map(({ after }) => after)).size > 1
const entriesOf = (seen) => seen.map(({ entry }) => entry)
const count = (counts, key) => counts.set(key, (counts.get(key) ?? 0) + 1)
const sorted = (counts) => [...counts].sort(([a], [b]) => (a < b ? -1 : 1))

/** Compares an entry with every earlier one of its row, adds it, and returns its immediate predecessors. */
function compare(added, row, found) {
  const predecessors = []
  // The log's order is causal: going backwards, an entry comes before all that it has seen.
  for (const earlier of row.entries.toReversed()) {
    if (!added.clock.covers(earlier.dot)) {
      count(found.concurrent, [earlier.operation, added.operation].sort().join('-'))
      continue
    }
    found.ordered += 1
    if (!predecessors.some((later) => later.clock.covers(earlier.dot))) predecessors.push(earlier)
  }
  row.heads = [...row.heads.filter((head) => !added.clock.covers(head.dot)), added]
  row.entries.push(added)
  return predecessors
}

/** All that the entries of the log tell. */
function analyse(log, transactions, time) {
  const detector = new ConflictDetector('last_write_wins', { time })
  const found = { transactions, changes: 0, ordered: 0, concurrent: new Map(), settled: [] }
  const rows = new Map()
  for (const entry of log.query()) {
    found.changes += 1
    const key = JSON.stringify([entry.table, encodeRowId(entry.rowId).toString('latin1')])
    if (!rows.has(key)) rows.set(key, { entries: [], heads: [] })
    const predecessors = compare(seenOf(entry), rows.get(key), found)
    if (disagree(predecessors)) found.settled.push(detector.resolve(entriesOf(predecessors), entry.dot))
  }
  const heads = Array.from(rows.values(), (row) => row.heads)
  const byHeads = new Map()
  for (const { length } of heads) count(byHeads, length)
  const standing = heads.filter(disagree).map((each) => detector.resolve(entriesOf(each)))
  return { ...found, rows: rows.size, byHeads, standing, reports: [...found.settled, ...standing] }
}

// Telling what was found.

const total = (counts) => [...counts.values()].reduce((sum, number) => sum + number, 0)

function summaryOf(found) {
  return {
    transactions: found.transactions,
    changes: found.changes,
    rows: found.rows,
    pairs_ordered: found.ordered,
    pairs_concurrent: total(found.concurrent),
    concurrent_by_operations: Object.fromEntries(sorted(found.concurrent)),
    conflicts_standing: found.standing.length,
    conflicts_settled: found.settled.length,
    rows_by_heads_at_the_end: Object.fromEntries(sorted(found.byHeads)),
  }
}

function* table(found) {
  yield ['  transactions', found.transactions]
  yield ['  changes', found.changes]
  yield ['  pairs ordered', found.ordered]
  yield ['  pairs concurrent', total(found.concurrent)]
  for (const [operations, pairs] of sorted(found.concurrent)) yield [`    ${operations}`, pairs]
  yield ['  rows', found.rows]
  for (const [heads, rows] of sorted(found.byHeads)) yield [`    with ${heads} head${heads === 1 ? '' : 's'}`, rows]
  yield ['  conflicts standing', found.standing.length]
  yield ['  conflicts settled', found.settled.length]
  const kinds = new Map()
  for (const report of found.reports) count(kinds, `    ${report.conflictClass}, won by ${report.reasonCode}`)
  yield* sorted(kinds)
}

function print(trace, reports, found, seconds) {
  const row = ([label, number]) => `${label} ${String(number).padStart(29 - label.length)}\n`
  process.stdout.write(
    [
      `Node: replay of ${trace}\n`,
      ...Array.from(table(found), row),
      '  three reports in full:\n',
      found.reports.slice(0, 3).map((report) => `${report}\n`).join('\n'),
      `  reports written to ${reports}\n`,
      `  time${seconds.toFixed(3).padStart(23)} s\n`,
    ].join(''),
  )
}

async function replay({ trace, log: directory, reports, summary }) {
  const started = performance.now()
  const time = new ManualTime(NOW)
  const log = at(directory, () => ChangeLog.openSync(directory, { durability: 'os', time }))
  let found
  try {
    const transactions = await readTrace(trace, (transaction) => log.appendRemoteSync(transaction))
    // One sync in the end makes the whole trace durable: a job that is cut short is done again.
    at(directory, () => log.syncSync())
    found = at(directory, () => analyse(log, transactions, time))
  } finally {
    at(directory, () => log.closeSync())
  }
  at(reports, () => writeFileSync(reports, found.reports.map((report) => `${report.toJson()}\n`).join('')))
  at(summary, () => writeFileSync(summary, `${JSON.stringify(summaryOf(found))}\n`))
  print(trace, reports, found, (performance.now() - started) / 1000)
}

/** What the command line asks for; nothing if it is wrong. */
function argumentsOf(words) {
  const path = { type: 'string' }
  const options = { log: path, reports: path, summary: path, help: { type: 'boolean' } }
  try {
    const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true })
    if (values.help) return values
    const complete = values.log && values.reports && values.summary && positionals.length === 1
    return complete ? { ...values, trace: positionals[0] } : undefined
  } catch {
    return undefined
  }
}

const asked = argumentsOf(process.argv.slice(2))
if (!asked) {
  process.stderr.write(USAGE)
  process.exitCode = 2
} else if (asked.help) {
  process.stdout.write(USAGE)
} else {
  try {
    await replay(asked)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    process.stderr.write(`replay: ${error.message}\n`)
    process.exitCode = 1
  }
}
