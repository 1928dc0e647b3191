// Fails when index.d.ts is not what the sources give: generates it anew, elsewhere, and compares.
// Arguments are handed on to `napi build`, so that `-- --release` uses what a release build has left.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const home = fileURLToPath(new URL('..', import.meta.url))
const manifest = createRequire(import.meta.url).resolve('@napi-rs/cli/package.json')
const cli = path.join(path.dirname(manifest), 'dist/cli.js')
const directory = mkdtempSync(path.join(tmpdir(), 'causelog-types-'))
try {
  const build = ['build', '--platform', '--no-js', '--dts', 'index.d.ts', '--output-dir', directory]
  const { status } = spawnSync(process.execPath, [cli, ...build, ...process.argv.slice(2)], { cwd: home, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
  const [committed, generated] = [home, directory].map((where) => readFileSync(path.join(where, 'index.d.ts'), 'utf8'))
  if (committed !== generated) {
    const [was, is] = [committed.split('\n'), generated.split('\n')]
    const at = is.findIndex((line, index) => line !== was[index])
    console.error(`index.d.ts is out of date from line ${at + 1} on; npm run build writes it anew`)
    console.error(`- ${was[at] ?? ''}\n+ ${is[at] ?? ''}`)
    process.exit(1)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
