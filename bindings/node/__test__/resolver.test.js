'use strict'

const path = require('node:path')
const { inspect } = require('node:util')
const { ManualTime, Replica, ResolverRegistry, RowConflict, Write, sync, syncSync } = require('..')
const { A, B, NOW, expectError, expectRejection, node, temporaryDirectory } = require('./support')

const directory = temporaryDirectory()
const CUSTOM = { kind: 'custom', name: 'mine', version: 1 }

/** A replica in memory that has its conflicts decided by this function, and of a time that can be set. */
function open(id, decide, options = {}) {
  const time = new ManualTime(NOW)
  const resolvers = decide ? [['mine', 1, decide]] : []
  const replica = Replica.inMemory({ log: { node: id, time }, registry: new ResolverRegistry(CUSTOM), resolvers, ...options })
  return { replica, time }
}

/** Two replicas, of which the first asks this function about row 1 of `t` as soon as it gets what the other has. */
function parted(decide, options) {
  const [one, other] = [open(A, decide, options), open(B)]
  one.replica.insertSync('t', 1, { n: 0 })
  syncSync(one.replica, other.replica)
  one.time.set(NOW + 1_000n)
  other.time.set(NOW + 2_000n)
  one.replica.updateSync('t', 1, { n: 'a' })
  other.replica.updateSync('t', 1, { n: 'b' })
  return [one.replica, other.replica]
}

/** Both ways of doing something: at once, and later on another thread. */
const FORMS = [
  ['syncSync', async (a, b) => syncSync(a, b)],
  ['sync', sync],
]
const valueOf = (replica) => replica.getSync('t', 1)?.valueJson() ?? null
const headOf = ({ heads }, id) => ({ head: heads.find((head) => head.node === id) })

describe.each(FORMS)('a resolver asked in %s', (_, exchange) => {
  test('is given the conflict, on this thread', async () => {
    let seen
    const [a, b] = parted((conflict) => {
      seen = conflict
      return headOf(conflict, A)
    })
    await exchange(a, b)
    expect(seen).toBeInstanceOf(RowConflict)
    expect(seen).toMatchObject({ table: 't', rowId: 1, conflictClass: 'update_update', ancestorIsLive: true, ancestor: Buffer.from('{"n":0}') })
    expect(seen.ancestorJson()).toEqual({ n: 0 })
    expect(seen.heads.map((head) => head.afterJson()).sort((x, y) => (x.n < y.n ? -1 : 1))).toEqual([{ n: 'a' }, { n: 'b' }])
    expect(JSON.parse(JSON.stringify(seen))).toMatchObject({ table: 't', ancestor: { n: 0 }, heads: [{}, {}] })
    expect(inspect(seen)).toMatch(/^RowConflict \{/)
  })

  test.each([
    ['a head', (conflict) => headOf(conflict, A), { n: 'a' }, { winner: { node: A, sequence: 2n }, reasonCode: 'custom' }],
    ['a dot', () => ({ head: { node: B, sequence: 1 } }), { n: 'b' }, { winner: { node: B, sequence: 1n }, reasonCode: 'custom' }],
    ['a value', () => ({ value: { n: 'c' } }), { n: 'c' }, { winner: null, isMerged: true, reasonCode: 'custom' }],
    ['bytes', () => ({ value: Buffer.from('"c"') }), 'c', { isMerged: true, reasonCode: 'custom' }],
    ['a delete', () => 'delete', null, { isMerged: true, leavesLive: false, reasonCode: 'custom' }],
  ])('decides by %s', async (_name, decide, value, report) => {
    const [a, b] = parted(decide)
    await exchange(a, b)
    expect(valueOf(a)).toEqual(value)
    expect(a.conflictsSync()).toMatchObject([report])
    expect(a.inboxSync()).toEqual([])
    // Who has no such function leaves it open.
    expect(b.inboxSync()).toMatchObject([{ state: 'unresolved', failure: null, report: { reasonCode: 'resolver_missing' } }])
    b.registerResolver('mine', 1, decide)
    expect(b.inboxSync()).toEqual([])
    expect(b.conflictsSync()[0].toJson()).toBe(a.conflictsSync()[0].toJson())
  })

  test('defers, and somebody decides', async () => {
    const [a, b] = parted(() => 'defer')
    await exchange(a, b)
    expect(a.inboxSync()).toMatchObject([{ state: 'pending', failure: null, report: { reasonCode: 'deferred' } }])
    await a.resolve('t', 1, { value: { n: 'd' } }, a.heads('t', 1))
    await exchange(a, b)
    expect([valueOf(a), valueOf(b), a.inboxSync(), b.inboxSync()]).toEqual([{ n: 'd' }, { n: 'd' }, [], []])
  })

  test.each([
    ['throws an error', () => { throw new TypeError('no idea') }, /^TypeError: no idea$/],
    ['throws something else', () => { throw { code: 5 } }, /it threw \{ code: 5 \}/],
    ['throws what cannot be shown', () => { throw { [inspect.custom]() { throw new Error() } } }, /it threw what cannot be shown/],
    ['gives nothing', () => undefined, /decision must be \{ head \}, \{ value \}, 'delete' or 'defer', got undefined/],
    ['gives an unknown word', () => 'keep', /got "keep"/],
    ['gives a head that is none', () => ({ head: { node: A, sequence: 99 } }), new RegExp(`it chose ${A}:99, which is none of the heads`)],
    ['gives a malformed head', () => ({ head: 'x' }), /decision.head must be a dot/],
    ['gives both', ({ heads: [head] }) => ({ head, value: 1 }), /got an object/],
    ['gives no payload', () => ({ value: () => 1 }), /decision.value must be bytes or what JSON can say/],
    ['gives an object that cannot be read', () => new Proxy({}, { get() { throw new Error('a trap') } }), /a trap/],
    ['gives a promise', async () => 'delete', /a resolver decides at once/],
    ['gives a promise that is rejected', async () => { throw new Error('late') }, /a resolver decides at once/],
    ['goes too deep', function deep() { return deep() }, /call stack/],
    ['goes by the order of the heads', ({ heads: [head] }) => ({ head }), /the same heads in another order/],
  ])('that %s has failed, and the conflict waits', async (_name, decide, message) => {
    const [a, b] = parted(decide)
    expect(await exchange(a, b)).toMatchObject({ skipped: [], refused: [] })
    const [item] = a.inboxSync()
    expect(item.failure).toMatch(message)
    expect(item).toMatchObject({ state: 'unresolved', report: { reasonCode: 'resolver_failed', isPending: true } })
    expect(a.getSync('t', 1).state).toBe('unresolved')
    expectError(() => a.updateSync('t', 1, {}), 'UNRESOLVED')
    // Another one of the name is asked anew.
    a.registerResolver('mine', 1, () => 'delete')
    expect(a.inboxSync()).toEqual([])
    expect(valueOf(a)).toBeNull()
  })

  test('may read its replica, and other replicas', async () => {
    const other = Replica.inMemory()
    other.insertSync('weights', 1, { wins: A })
    const [a, b] = parted((conflict) => {
      // About the conflict itself there is no answer yet.
      expect(a.getSync('t', 1).heads.length).toBeGreaterThan(0)
      expect(a.rowsSync('u').map((row) => row.valueJson())).toEqual([{ wins: B }])
      expect(a.log.stats().entries).toBeGreaterThan(0)
      return headOf(conflict, other.getSync('weights', 1).valueJson().wins)
    })
    a.insertSync('u', 1, { wins: B })
    await exchange(a, b)
    expect(a.inboxSync()).toEqual([])
    expect(valueOf(a)).toEqual({ n: 'a' })
  })

  test('may write to another replica, and not to its own', async () => {
    const other = Replica.inMemory()
    const codes = []
    const attempt = (call) => {
      try {
        call()
        codes.push('done')
      } catch (error) {
        codes.push(error.code)
      }
    }
    const promises = []
    const [a, b] = parted((conflict) => {
      attempt(() => a.insertSync('u', 1, {}))
      attempt(() => a.writeSync([Write.insert('u', 1, {})]))
      attempt(() => a.appendSync([]))
      attempt(() => a.setRegistrySync(new ResolverRegistry('manual')))
      attempt(() => a.claimSync('t', 1, 'x'))
      attempt(() => a.resolveSync('t', 1, 'delete', conflict.heads))
      attempt(() => a.compactSync())
      attempt(() => syncSync(a, other))
      attempt(() => syncSync(other, a))
      promises.push(expectRejection(a.insert('u', 1, {}), 'RESOLVER_FAILED', /it may only read/))
      promises.push(expectRejection(sync(other, a), 'RESOLVER_FAILED', /it may only read/))
      attempt(() => other.insertSync('log', codes.length, {}))
      return headOf(conflict, A)
    })
    await exchange(a, b)
    await Promise.all(promises)
    const once = [...Array(9).fill('RESOLVER_FAILED'), 'done']
    // It is asked twice, with the heads in another order.
    expect(codes).toEqual([...once, ...once])
    expect(valueOf(a)).toEqual({ n: 'a' })
    expect(a.getSync('u', 1)).toBeNull()
    a.insertSync('u', 1, {})
    expect(a.getSync('u', 1)).not.toBeNull()
  })

  test('that lets a refused write pass up has failed', async () => {
    const [a, b] = parted(() => a.insertSync('u', 1, {}))
    await exchange(a, b)
    expect(a.inboxSync()[0].failure).toMatch(/a resolver wrote to the replica that called it/)
    expect(a.getSync('u', 1)).toBeNull()
  })

  test('is asked once about the same heads, or twice to be checked', async () => {
    for (const [checkResolvers, calls] of [[true, 2], [false, 1]]) {
      const decide = jest.fn((conflict) => headOf(conflict, B))
      const [a, b] = parted(decide, { checkResolvers })
      await exchange(a, b)
      valueOf(a)
      a.conflictsSync()
      a.registerResolver('mine', 1, () => 'delete')
      expect(valueOf(a)).toEqual({ n: 'b' })
      expect(decide).toHaveBeenCalledTimes(calls)
    }
  })

  test('is asked about many conflicts', async () => {
    const [one, other] = [open(A, (conflict) => ({ value: { sum: conflict.heads.length } })), open(B)]
    const rows = Array.from({ length: 300 }, (_unused, n) => n)
    for (const { replica } of [one, other]) replica.writeSync(rows.map((n) => Write.insert('t', n, { by: replica.node })))
    await exchange(one.replica, other.replica)
    expect(one.replica.rowsSync('t').map((row) => row.valueJson())).toEqual(rows.map(() => ({ sum: 2 })))
  })
})

test('every promise waits for the thread that the resolver runs on', async () => {
  const decide = jest.fn((conflict) => headOf(conflict, A))
  const [a, b] = parted(undefined)
  syncSync(a, b)
  a.registerResolver('mine', 1, decide)
  const asked = [a.get('t', 1), a.rows('t'), a.conflicts(), a.inbox(), a.why('t', 1), a.effective('0.0', 10)]
  expect(decide).not.toHaveBeenCalled()
  const [row, rows, conflicts, inbox, why, effective] = await Promise.all(asked)
  expect(decide).toHaveBeenCalledTimes(2)
  expect([row.valueJson(), rows[0].valueJson(), why.valueJson()]).toEqual([{ n: 'a' }, { n: 'a' }, { n: 'a' }])
  expect([conflicts[0].reasonCode, inbox]).toEqual(['custom', []])
  expect(effective.changes.at(-1).afterJson()).toEqual({ n: 'a' })
})

test('nobody waits for the other when both threads ask at once', async () => {
  const replicas = []
  const decide = (conflict) => {
    for (const replica of replicas) replica.getSync('t', 1)
    return headOf(conflict, A)
  }
  for (let round = 0; round < 20; round += 1) {
    const [a, b] = parted(undefined)
    syncSync(a, b)
    replicas.splice(0, 2, a, b)
    for (const replica of [a, b]) replica.registerResolver('mine', 1, decide)
    const later = [a.get('t', 1), b.get('t', 1), sync(a, b), sync(b, a), a.conflicts(), b.inbox()]
    expect(valueOf(a)).toEqual({ n: 'a' })
    expect(valueOf(b)).toEqual({ n: 'a' })
    const [fromA, fromB] = await Promise.all(later)
    expect([fromA.valueJson(), fromB.valueJson()]).toEqual([{ n: 'a' }, { n: 'a' }])
  }
})

test('a write made elsewhere in the program while another thread waits for an answer is no write of a resolver', async () => {
  const [a, b] = parted((conflict) => headOf(conflict, A))
  const exchange = sync(a, b)
  // By now the other thread has asked, or will.
  const until = Date.now() + 200
  while (Date.now() < until);
  a.insertSync('u', 1, {})
  await exchange
  expect([valueOf(a), a.getSync('u', 1).valueJson()]).toEqual([{ n: 'a' }, {}])
})

test('other rules can be tried with a resolver, of which nothing is kept', async () => {
  const [a, b] = [open(A, undefined, { registry: new ResolverRegistry('last_write_wins') }).replica, open(B).replica]
  a.insertSync('t', 1, { n: 'a' })
  b.insertSync('t', 1, { n: 'b' })
  syncSync(a, b)
  const decide = jest.fn(() => ({ value: { n: 'c' } }))
  a.registerResolver('mine', 1, decide)
  const [found] = a.whatIfSync(new ResolverRegistry(CUSTOM))
  expect([found.differs, found.wouldBe.valueJson()]).toEqual([true, { n: 'c' }])
  const [again] = await a.whatIf(new ResolverRegistry(CUSTOM))
  expect(again.wouldBe.isMerged).toBe(true)
  expect(decide).toHaveBeenCalledTimes(4)
})

test('an answer is kept across opening', () => {
  const where = path.join(directory, 'kept')
  const decide = jest.fn((conflict) => headOf(conflict, A))
  const options = { log: { node: A, durability: 'os', time: new ManualTime(NOW) }, registry: new ResolverRegistry(CUSTOM), resolvers: [['mine', 1, decide]] }
  const replica = Replica.openSync(where, options)
  const other = open(B).replica
  replica.insertSync('t', 1, { n: 'a' })
  other.insertSync('t', 1, { n: 'b' })
  syncSync(replica, other)
  replica.closeSync()
  const again = Replica.openSync(where, { resolvers: [['mine', 1, decide]] })
  expect(valueOf(again)).toEqual({ n: 'a' })
  expect(decide).toHaveBeenCalledTimes(2)
  again.closeSync()
})

test('misuse is refused', () => {
  const { replica } = open(A)
  expectError(() => replica.registerResolver('', 1, () => 'defer'), 'INVALID_ARGUMENT', /needs a name/)
  expectError(() => replica.registerResolver(5, 1, () => 'defer'), 'INVALID_ARGUMENT', /name must be a string, got 5/)
  expectError(() => replica.registerResolver('x', -1, () => 'defer'), 'INVALID_ARGUMENT', /version must be a whole number/)
  expectError(() => replica.registerResolver('x', 2 ** 32, () => 'defer'), 'INVALID_ARGUMENT', /version must be a whole number/)
  expectError(() => replica.registerResolver('x', 1), 'INVALID_ARGUMENT', /resolver must be a function, got undefined/)
  expectError(() => replica.registerResolver('x', 1, 'defer'), 'INVALID_ARGUMENT', /resolver must be a function, got 'defer'/)
  expectError(() => Replica.prototype.registerResolver.call({}, 'x', 1, () => 'defer'), 'INVALID_ARGUMENT')
})

/** A script in which `replica` asks `decide` about a conflict as soon as it is read. */
const PARTED = `
  const { Replica, ResolverRegistry, sync, syncSync } = require('.')
  const registry = new ResolverRegistry({ kind: 'custom', name: 'mine', version: 1 })
  const parted = (decide) => {
    const [replica, other] = [Replica.inMemory({ registry }), Replica.inMemory({ registry })]
    replica.insertSync('t', 1, 'a')
    other.insertSync('t', 1, 'b')
    syncSync(replica, other)
    replica.registerResolver('mine', 1, decide)
    return replica
  }
`

test('a process ends while a thread waits for its resolver', () => {
  const done = node(`${PARTED}
    const replica = parted(() => 'delete')
    replica.get('t', 1)
    const until = Date.now() + 200
    while (Date.now() < until);
    console.log('ends')
    process.exit(0)
  `)
  expect(done).toMatchObject({ stdout: 'ends\n', stderr: '', status: 0 })
})

test('a process ends from within a resolver', () => {
  for (const call of ['getSync', 'get']) {
    const done = node(`${PARTED} parted(() => process.exit(7)).${call}('t', 1)`)
    expect(done).toMatchObject({ stderr: '', status: 7, signal: null })
  }
})

test('a worker ends while a thread waits for its resolver', () => {
  const done = node(`
    const { Worker } = require('node:worker_threads')
    const worker = new Worker(\`${PARTED.replaceAll('`', '\\`')}
      const replica = parted(() => 'delete')
      replica.get('t', 1)
      require('node:worker_threads').parentPort.postMessage('asked')
      for (;;);
    \`, { eval: true })
    worker.once('message', () => setTimeout(async () => {
      await worker.terminate()
      const replica = ${`(() => { ${PARTED} return parted(() => 'delete') })()`}
      console.log(await replica.get('t', 1))
    }, 200))
  `)
  expect(done).toMatchObject({ stdout: 'null\n', stderr: '', status: 0 })
})

test('a replica that nobody uses is collected, also when its resolver refers to it', () => {
  const where = JSON.stringify(path.join(directory, 'collected'))
  const done = node(
    `
    const { Replica, ResolverRegistry, syncSync } = require('.')
    const settle = async () => {
      for (let turn = 0; turn < 5; turn += 1) {
        global.gc()
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    const registry = new ResolverRegistry({ kind: 'custom', name: 'mine', version: 1 })
    const use = async () => {
      const decide = () => (replica.heads('t', 1).length ? 'delete' : 'defer')
      const replica = Replica.openSync(${where}, { registry, resolvers: [['mine', 1, decide]] })
      replica.registerResolver('mine', 2, () => decide())
      const other = Replica.inMemory({ registry })
      replica.insertSync('t', 1, 'a')
      other.insertSync('t', 1, 'b')
      await settle()
      syncSync(replica, other)
      return replica.get('t', 1)
    }
    async function main() {
      const row = await use()
      await settle()
      Replica.openSync(${where}).closeSync()
      return row
    }
    main().then((row) => console.log(row))
    `,
    { args: ['--expose-gc'] },
  )
  expect(done).toMatchObject({ stdout: 'null\n', stderr: '', status: 0 })
})
