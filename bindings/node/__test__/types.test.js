'use strict'

const { readFileSync } = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const ts = require('typescript')
const causelog = require('..')
const { ROOT } = require('./support')

const DECLARATIONS = path.join(ROOT, 'index.d.ts')
const source = ts.createSourceFile(DECLARATIONS, readFileSync(DECLARATIONS, 'utf8'), ts.ScriptTarget.Latest, true)

/** Every value that the declarations say is exported; for a class its members, those of interfaces of its name with them. */
function declared() {
  const [values, members] = [new Map(), new Map()]
  for (const statement of source.statements) {
    const { name } = statement.declarationList?.declarations[0] ?? statement
    if (ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)) {
      members.set(name.text, [...(members.get(name.text) ?? []), ...statement.members])
    }
    if (!ts.isInterfaceDeclaration(statement) && !ts.isTypeAliasDeclaration(statement)) values.set(name.text, statement)
  }
  return { values, members }
}

const { values, members } = declared()

test('a strict program compiles, and what is wrong does not', () => {
  const tsc = path.join(path.dirname(require.resolve('typescript/package.json')), 'bin/tsc')
  const done = spawnSync(process.execPath, [tsc, '-p', path.join(__dirname, 'types')], { encoding: 'utf8' })
  expect(done).toMatchObject({ stdout: '', stderr: '', status: 0 })
})

test('what is declared is exported, and nothing else', () => {
  expect([...values.keys()].sort()).toEqual(Object.keys(causelog).sort())
})

/** Whether a member is one that every object or iterator has, or one of the layer below. */
const INHERITED = new Set(['constructor', 'prototype', 'read', 'readSync'])
/** And those that every class has. */
const OF_CLASSES = new Set([...INHERITED, 'length', 'name'])

test.each([...values].filter(([, statement]) => ts.isClassDeclaration(statement)).map(([name]) => [name]))(
  'the class %s has the members that are declared, and no others',
  (name) => {
    const { [name]: Class } = causelog
    const own = (object, without) => Object.getOwnPropertyNames(object).filter((key) => !without.has(key))
    const isStatic = (member) => member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword)
    const named = members.get(name).filter((member) => member.name && !ts.isComputedPropertyName(member.name))
    const names = (wanted) => named.filter((member) => Boolean(isStatic(member)) === wanted).map((member) => member.name.text)
    // `next` comes with being an iterator; the fields of an error are its own.
    const iterates = ['Cursor', 'TransactionCursor'].includes(name) ? ['next'] : []
    const fields = name === 'CauselogError' ? ['code', 'retryable'] : []
    expect(own(Class.prototype, name === 'CauselogError' ? OF_CLASSES : INHERITED).concat(fields).sort()).toEqual([...names(false), ...iterates].sort())
    expect(own(Class, OF_CLASSES).sort()).toEqual(names(true).sort())
  },
)

test('everything that is declared is documented', () => {
  const described = (node) => ts.getJSDocCommentsAndTags(node).length > 0
  const undocumented = source.statements.flatMap((statement) => {
    const { name } = statement.declarationList?.declarations[0] ?? statement
    const merged = ts.isInterfaceDeclaration(statement) && values.has(name.text)
    const inner = (statement.members ?? []).filter((member) => !described(member) && member.name?.text !== 'uuid')
    const own = described(statement) || merged ? [] : [name.text]
    return [...own, ...inner.map((member) => `${name.text}.${member.name?.getText() ?? 'constructor'}`)]
  })
  expect(undocumented).toEqual([])
})
