'use strict'

const {
  ConflictDetector,
  ResolverRegistry,
  conflictResolutionKind,
  formatConflictResolution,
  parseConflictResolution,
  validateConflictResolution,
} = require('..')
const { inspect } = require('node:util')
const { A, B, expectError } = require('./support')

/** Every strategy, as it comes back. */
const STRATEGIES = [
  'last_write_wins',
  'first_write_wins',
  'vector_clock_causal',
  'manual',
  { kind: 'node_priority', order: [B, A] },
  { kind: 'vector_clock_causal', fallback: 'first_write_wins' },
  { kind: 'delete_wins', fallback: 'last_write_wins' },
  { kind: 'update_wins', fallback: { kind: 'node_priority', order: [A] } },
  { kind: 'field_merge', liveness: 'update_wins', fields: { count: 'counter', high: 'max', low: 'min', tags: 'set' } },
  { kind: 'custom', name: 'mine', version: 3 },
]

test.each(STRATEGIES.map((strategy) => [inspect(strategy), strategy]))('%s comes back as it went in, everywhere', (_, strategy) => {
  const text = typeof strategy === 'string' ? strategy : JSON.stringify(strategy)
  expect(formatConflictResolution(strategy)).toBe(text)
  expect(parseConflictResolution(text)).toEqual(strategy)
  expect(conflictResolutionKind(strategy)).toBe(strategy.kind ?? strategy)
  expect(validateConflictResolution(strategy)).toBeUndefined()
  expect(new ConflictDetector(strategy).resolution).toEqual(strategy)
  expect(new ConflictDetector(text).resolution).toEqual(strategy)
  const registry = new ResolverRegistry(strategy)
  expect(registry.defaultResolution).toEqual(strategy)
  expect(ResolverRegistry.fromJson(registry.toJson()).defaultResolution).toEqual(strategy)
  expect(registry.rule('t', 'update_update')).toEqual({ name: 'default', resolution: strategy })
})

test('what may be left out of a strategy is filled in', () => {
  expect(new ResolverRegistry({ kind: 'field_merge' }).defaultResolution).toEqual({ kind: 'field_merge', liveness: 'last_write_wins', fields: {} })
  expect(parseConflictResolution('{"kind":"manual"}')).toBe('manual')
  expect(new ResolverRegistry({ kind: 'vector_clock_causal', fallback: undefined }).defaultResolution).toBe('vector_clock_causal')
})

test.each([
  ['coin', /unknown conflict resolution "coin"/],
  ['', /unknown conflict resolution ""/],
  ['{', /not a conflict resolution/],
  [{ kind: 'coin' }, /not a conflict resolution/],
  [{}, /not a conflict resolution/],
  [[], /unknown conflict resolution/],
  [{ kind: 'manual', fallback: 'manual' }, /not a conflict resolution/],
  [{ kind: 'custom', name: 'x', version: -1 }, /not a conflict resolution/],
  [{ kind: 'custom', name: 'x', version: 1n }, /resolution is no JSON/],
  [{ kind: 'node_priority', order: ['x'] }, /not a conflict resolution/],
  [5, /must be a strategy, as its name or an object, got 5/],
  [undefined, /must be a strategy, as its name or an object, got undefined/],
  [() => 'manual', /got a function/],
  ['\ud800', /must be a strategy/],
])('%p is no strategy', (strategy, message) => {
  expectError(() => formatConflictResolution(strategy), 'INVALID_ARGUMENT', message)
  expectError(() => conflictResolutionKind(strategy), 'INVALID_ARGUMENT', message)
  expectError(() => new ResolverRegistry().setTable('t', strategy), 'INVALID_ARGUMENT', message)
})

test('a cycle is refused', () => {
  const strategy = { kind: 'delete_wins' }
  strategy.fallback = strategy
  expectError(() => new ResolverRegistry(strategy), 'INVALID_ARGUMENT', /resolution is no JSON/)
})

test.each([
  [{ kind: 'node_priority', order: [A, A] }, /listed twice/],
  [{ kind: 'delete_wins', fallback: { kind: 'update_wins', fallback: 'manual' } }, /never sees deletes/],
  [{ kind: 'vector_clock_causal', fallback: 'vector_clock_causal' }, /concurrent entries/],
  [{ kind: 'custom', name: '', version: 1 }, /needs a name/],
])('%p is a strategy that makes no sense', (strategy, message) => {
  expectError(() => validateConflictResolution(strategy), 'INVALID_ARGUMENT', message)
  expectError(() => new ResolverRegistry(strategy).validate(), 'INVALID_ARGUMENT', message)
  const registry = new ResolverRegistry()
  expectError(() => registry.setDefault(strategy), 'INVALID_ARGUMENT', message)
  expect(registry.defaultResolution).toBe('last_write_wins')
})

test('the most particular rule matches', () => {
  const registry = new ResolverRegistry('first_write_wins')
  registry.setTable('orders', 'last_write_wins')
  registry.setClass('orders', 'update_delete', { kind: 'delete_wins', fallback: 'manual' })
  expect(registry.rule('orders', 'update_delete')).toEqual({
    name: 'orders/update_delete',
    resolution: { kind: 'delete_wins', fallback: 'manual' },
  })
  expect(registry.rule('orders', 'update_update')).toEqual({ name: 'orders', resolution: 'last_write_wins' })
  expect(registry.rule('stock', 'update_update')).toEqual({ name: 'default', resolution: 'first_write_wins' })
  registry.setDefault('manual')
  expect(registry.rule('stock', 'update_update').resolution).toBe('manual')
})

test('a registry is text and is read back; equal ones have one fingerprint', () => {
  const registry = new ResolverRegistry()
  expect(registry.toJson()).toBe('{"default":"last_write_wins","tables":{}}')
  registry.setClass('stock', 'update_delete', 'manual')
  const text = '{"default":"last_write_wins","tables":{"stock":{"classes":{"update_delete":"manual"}}}}'
  expect(registry.toJson()).toBe(text)
  expect(JSON.stringify(registry)).toBe(text)
  expect(inspect(registry)).toMatch(/^ResolverRegistry \{\s+default: 'last_write_wins'/)
  const again = ResolverRegistry.fromJson(text)
  expect(again.fingerprint).toBe(registry.fingerprint)
  expect(again.fingerprint).toMatch(/^[0-9a-f]{32}$/)
  expect(new ResolverRegistry().fingerprint).not.toBe(registry.fingerprint)
})

test('the custom resolvers that a registry names', () => {
  const registry = new ResolverRegistry({ kind: 'custom', name: 'b', version: 2 })
  registry.setTable('t', { kind: 'delete_wins', fallback: { kind: 'custom', name: 'a', version: 1 } })
  registry.setTable('u', { kind: 'custom', name: 'b', version: 2 })
  expect(registry.customResolvers()).toEqual([{ name: 'a', version: 1 }, { name: 'b', version: 2 }])
  expect(new ResolverRegistry().customResolvers()).toEqual([])
})

test('a registry by which replicas would part is refused, with the rule and the reason', () => {
  const registry = new ResolverRegistry()
  const merge = { kind: 'field_merge', fields: { count: 'counter' } }
  expectError(() => registry.setClass('stock', 'update_update', merge), 'INVALID_ARGUMENT', /^stock: the fields of its rows are merged/)
  expectError(() => registry.setClass('stock', 'insert_delete', 'manual'), 'INVALID_ARGUMENT', /^stock\/insert_delete: cannot arise/)
  expectError(() => registry.setTable('', 'manual'), 'INVALID_ARGUMENT', /without a name/)
  expect(registry.toJson()).toBe(new ResolverRegistry().toJson())
  registry.setTable('stock', merge)
  expectError(() => registry.setClass('stock', 'update_update', 'manual'), 'INVALID_ARGUMENT', /would come apart/)
  expect(registry.rule('stock', 'update_update').resolution).toMatchObject(merge)
})

test('misuse is refused', () => {
  const registry = new ResolverRegistry()
  expectError(() => ResolverRegistry.fromJson('{'), 'INVALID_ARGUMENT', /not a resolver registry/)
  expectError(() => ResolverRegistry.fromJson('{"rules":{}}'), 'INVALID_ARGUMENT', /not a resolver registry/)
  expectError(() => ResolverRegistry.fromJson({}), 'INVALID_ARGUMENT', /text must be a string, got an object/)
  expectError(() => registry.setTable(5, 'manual'), 'INVALID_ARGUMENT', /table must be a string, got 5/)
  expectError(() => registry.setClass('t', 'x_y', 'manual'), 'INVALID_ARGUMENT', /conflictClass must be one of/)
  expectError(() => registry.rule('t'), 'INVALID_ARGUMENT', /conflictClass must be one of/)
  expectError(() => registry.toJson.call({}), 'INVALID_ARGUMENT')
})
