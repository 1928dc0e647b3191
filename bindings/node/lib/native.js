'use strict'

const path = require('node:path')

/**
 * Where to look for the native module: where `NAPI_RS_NATIVE_LIBRARY_PATH` says, if it says so, and
 * otherwise beside `package.json`, named after the platform as `npm run build` names it.
 */
function candidates() {
  const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  if (override) return [path.resolve(override)]
  const { platform, arch } = process
  const flavours = platform === 'linux' ? ['-gnu', '-musl'] : platform === 'win32' ? ['-msvc'] : ['']
  return flavours.map((flavour) => path.join(__dirname, '..', `causelog.${platform}-${arch}${flavour}.node`))
}

function load() {
  const failures = []
  for (const candidate of candidates()) {
    try {
      return require(candidate)
    } catch (error) {
      failures.push(error)
    }
  }
  const why = failures.map((error) => `  ${error.message.split('\n')[0]}`).join('\n')
  throw new Error(`causelog has no native module for this platform; npm run build makes one\n${why}`, {
    cause: failures[0],
  })
}

module.exports = load()
