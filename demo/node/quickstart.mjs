// A shop and its office change the same order without having heard of each other.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Change, ChangeLog, ConflictDetector } from '../../bindings/node/index.js' // installed: from 'causelog'

const place = mkdtempSync(join(tmpdir(), 'causelog-'))
const shop = await ChangeLog.open(join(place, 'shop'))
const office = await ChangeLog.open(join(place, 'office'))

await shop.append(Change.insert('orders', 42, { qty: 1, status: 'new' }))
for await (const transaction of shop.transactions(office.frontier())) await office.appendRemote(transaction)

await shop.append(Change.update('orders', 42, { qty: 1, status: 'new' }, { qty: 2, status: 'new' }))
await office.append(Change.update('orders', 42, { qty: 1, status: 'new' }, { qty: 1, status: 'paid' }))
for await (const transaction of shop.transactions(office.frontier())) await office.appendRemote(transaction)

const [insert, local, remote] = office.query({ table: 'orders', rowId: 42 })
console.log(insert.vectorClock.compare(local.vectorClock)) // before: its author had seen the insert
console.log(local.vectorClock.compare(remote.vectorClock)) // concurrent: neither had seen the other

const detector = new ConflictDetector('last_write_wins')
const conflict = detector.detect(local, remote)
if (conflict) console.log(String(detector.report(conflict)))

await Promise.all([shop.close(), office.close()])
rmSync(place, { recursive: true })
