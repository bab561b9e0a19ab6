/**
 * Runs a worker that uses the built package in each runtime that has a folder here, and prints how it went. Exit code 1 if a
 * check failed. A runtime's folder has a package.json of its own and a `runtime.ts`.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleWorker } from './bundle.js'
import { checks, type World } from './checks.js'
import { install } from './install.js'
import type { Runtime, RuntimeModule } from './runtime.js'
import { startService } from './service.js'

/** Seen from where this is compiled to. */
const ROOT = fileURLToPath(new URL('../../test/runtimes/', import.meta.url))
/** The longest that all checks of one runtime may take, in ms; they take a few seconds. */
const MAX_RUNTIME_MS = 180_000

let passed = 0
let failed = 0

const folders = readdirSync(ROOT).filter((name) => existsSync(join(ROOT, name, 'package.json')))
const worker = await bundleWorker()
for (const name of folders) {
  const folder = join(ROOT, name)
  await install(folder)
  const { runtimes } = (await import(`./${name}/runtime.js`)) as RuntimeModule
  for (const runtime of runtimes(folder)) await tryOut(runtime)
}
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1

async function tryOut(runtime: Runtime): Promise<void> {
  console.log(`\n${runtime.name}`)
  // Whatever happens, this ends; what was started ends with it.
  const watchdog = setTimeout(() => {
    console.error(`${runtime.name}: not done after ${MAX_RUNTIME_MS} ms`)
    process.exit(1)
  }, MAX_RUNTIME_MS)
  const service = await startService()
  try {
    const running = await runtime.start(worker)
    try {
      const failures = await runChecks({ worker: running.url, service: service.url })
      if (failures > 0) for (const line of running.complaints()) console.log(`  | ${line}`)
    } finally {
      await running.stop()
    }
  } finally {
    await service.close()
    clearTimeout(watchdog)
  }
}

async function runChecks(world: World): Promise<number> {
  let failures = 0
  for (const { name, run } of checks) {
    try {
      const told = await run(world)
      console.log(`  ✓ ${name}${told === undefined ? '' : `\n      ${told}`}`)
    } catch (error) {
      failures++
      console.log(`  ✗ ${name}\n${String(error instanceof Error ? error.message : error).replace(/^/gm, '      ')}`)
    }
  }
  passed += checks.length - failures
  failed += failures
  return failures
}
