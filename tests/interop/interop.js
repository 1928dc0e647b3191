'use strict';

// `interop.js write DIR`, `interop.js dump DIR`: the Node side of the test that all languages share one log.
// It makes the calls, and prints the lines, of the Rust side: demo/rust/src/bin/interop.rs.

const { ChangeLog, ManualTime } = require('../../bindings/node');

const NOW = 1_700_000_000_123_456_789n;
const SECOND = 1_000_000_000n;
const OWN = '11111111-1111-4111-8111-111111111111';
const PEER = '22222222-2222-4222-8222-222222222222';
const FAR = '33333333-3333-4333-8333-333333333333';

const bytes = (...values) => Buffer.from(values);
const insert = (table, rowId, after, metadata) => ({ table, rowId, operation: 'insert', after, metadata });

function write(directory) {
  const time = new ManualTime(NOW);
  const log = ChangeLog.openSync(directory, { node: OWN, time });

  // One change, with metadata.
  show(log.appendSync(insert('orders', 42, { qty: 1, note: 'größe' }, { actor: 'alice', why: 'über 🦀' })));

  // Every type of row id, and payloads that are JSON, empty, and neither.
  show(log.appendTransactionSync([
    { table: 'orders', rowId: 42, operation: 'update', before: { qty: 1, note: 'größe' }, after: { qty: 2 } },
    insert('таблица 🦀', 'a "quoted" \0 line\n', 'text'),
    insert('orders', { uuid: FAR }, bytes()),
    insert('orders', bytes(0, 255, 0), bytes(255, 254, 0, 1)),
    insert('lines', [7, 'sku', bytes(0, 255), { uuid: FAR }], []),
    insert('lines', [42], Buffer.from('null')),
  ]));
  const integers = [-(2n ** 63n), -1, 0, 255, 256, 2n ** 63n - 1n];
  show(log.appendTransactionSync(integers.map((rowId) => insert('numbers', rowId, rowId))));

  // A payload larger than a read block.
  time.advance(SECOND);
  show(log.appendSync(insert('large', '', Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251)))));

  // Deletes and updates, with and without the images before and after.
  show(log.appendSync({ table: 'orders', rowId: 42, operation: 'delete', before: { qty: 2 } }));
  show(log.appendTransactionSync([
    { table: 'orders', rowId: 'gone', operation: 'delete' },
    { table: 'orders', rowId: 'unknown', operation: 'update' },
    { table: 'orders', rowId: 'half', operation: 'update', before: 1 },
    { table: 'orders', rowId: 'half', operation: 'update', after: 2 },
  ]));

  // Another node's transaction, which this node had not seen and which had not seen this node.
  const peer = {
    node: PEER,
    sequence: 2n,
    dependencies: [],
    timestampNs: NOW - 3600n * SECOND,
    changes: [insert('orders', 42, { qty: 9 }, { actor: 'bob' }), insert('peers', 'ß', {})],
  };
  show(log.appendRemoteSync(peer));
  // A third node's merge, then a change of it that had seen both others.
  show(log.appendRemoteSync({
    node: FAR,
    sequence: 1n,
    dependencies: [{ node: PEER, sequence: 2n }],
    timestampNs: NOW + 100n * SECOND,
    changes: [],
  }));
  show(log.appendRemoteSync({
    node: FAR,
    sequence: 2n,
    dependencies: [{ node: OWN, sequence: 14n }, { node: FAR, sequence: 1n }],
    timestampNs: -1n,
    changes: [{ table: 'orders', rowId: 42, operation: 'delete', before: { qty: 2 } }],
  }));
  // A transaction that the log holds already, this node's merge, and a change after it.
  show(log.appendRemoteSync(peer));
  show(log.appendTransactionSync([]));
  show(log.appendSync(insert('orders', 42, { qty: 3 })));
  log.closeSync();
}

function show(appended) {
  line({
    transaction: dot(appended.transaction),
    timestamp: String(appended.timestampNs),
    first_lsn: optional(appended.firstLsn),
    last_lsn: optional(appended.lastLsn),
    duplicate: appended.duplicate,
  });
}

function dump(directory) {
  const log = ChangeLog.openSync(directory, { node: OWN, time: new ManualTime(NOW) });
  line({ log: { id: log.id, node: log.node, past_nodes: log.pastNodes } });
  for (const entry of log.query()) {
    line({
      entry: {
        lsn: String(entry.lsn),
        node: entry.node,
        sequence: String(entry.sequence),
        vector_clock: clock(entry.vectorClock),
        timestamp: String(entry.timestampNs),
        transaction: dot(entry.transaction),
        verdict: entry.verdict,
        ...change(entry),
      },
    });
  }
  for (const transaction of log.transactions()) {
    line({
      transaction: {
        node: transaction.node,
        sequence: String(transaction.sequence),
        dependencies: transaction.dependencies.map(dot),
        timestamp: String(transaction.timestampNs),
        vector_clock: clock(log.vectorClock({ node: transaction.node, sequence: transaction.sequence })),
        changes: transaction.changes.map(change),
      },
    });
  }
  line({ frontier: clock(log.frontier()) });
  const stats = log.stats();
  const counts = ({ inserts, updates, deletes }) => ({
    inserts: String(inserts),
    updates: String(updates),
    deletes: String(deletes),
  });
  line({
    stats: {
      entries: String(stats.entries),
      transactions: String(stats.transactions),
      merges: String(stats.merges),
      nodes: String(stats.nodes),
      first_lsn: String(stats.firstLsn),
      last_lsn: String(stats.lastLsn),
      oldest: milliseconds(stats.oldest),
      newest: milliseconds(stats.newest),
      bytes: String(stats.bytes),
      tables: Object.fromEntries(Object.entries(stats.tables).map(([name, table]) => [name, counts(table)])),
    },
  });
  log.closeSync();
}

function change({ table, rowId: id, operation, before, after, metadata }) {
  return { table, row_id: rowId(id), operation, before: payload(before), after: payload(after), metadata };
}

function clock(of) {
  return Object.fromEntries(Array.from(of, ([node, sequence]) => [node, String(sequence)]));
}

function rowId(value) {
  if (typeof value === 'number' || typeof value === 'bigint') return { integer: String(value) };
  if (typeof value === 'string') return { text: value };
  if (Buffer.isBuffer(value)) return { bytes: value.toString('hex') };
  if (Array.isArray(value)) return { tuple: value.map(rowId) };
  return { uuid: value.uuid };
}

const dot = ({ node, sequence }) => `${node}:${sequence}`;
const payload = (value) => (value === null ? null : value.toString('hex'));
const optional = (value) => (value === null ? null : String(value));
const milliseconds = (date) => (date === null ? null : String(date.getTime()));
const line = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const commands = { write, dump };
const [command, directory, ...rest] = process.argv.slice(2);
if (!Object.hasOwn(commands, command ?? '') || directory === undefined || rest.length > 0) {
  console.error('usage: interop.js write|dump DIR');
  process.exit(2);
}
commands[command](directory);
