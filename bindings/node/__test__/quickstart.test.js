'use strict'

const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { ROOT } = require('./support')

test('the quickstart that the README shows runs, and finds the conflict', () => {
  const file = path.join(ROOT, '../../demo/node/quickstart.mjs')
  const done = spawnSync(process.execPath, [file], { encoding: 'utf8' })
  expect(done).toMatchObject({ stderr: '', status: 0 })
  const [first, second, third] = done.stdout.split('\n')
  expect([first, second]).toEqual(['before', 'concurrent'])
  expect(third).toMatch(/^conflict [0-9a-f-]{36} \(standing\)$/)
  expect(done.stdout).toMatch(/reason {4}later_timestamp: /)
})
