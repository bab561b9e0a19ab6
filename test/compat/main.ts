/**
 * Runs every case with the raw client and with the wrapped one, in each version of each SDK, and prints a table. Exit code
 * 1 if something differs that should not.
 */
import { createLimiter } from 'headgate'
import { hint, limitOpenAI } from 'headgate/openai'
import { startSimulator } from 'headgate/simulator'
import type { Case } from './case.js'
import { aiCases, langchainCases, openaiCases } from './cases/index.js'
import { compare, type Result } from './compare.js'
import { askingForNewerNode, install, load, packagesOf, type Package } from './packages.js'
import { tableOf, type Column } from './table.js'

const headgate = { createLimiter, limitOpenAI, hint, startSimulator }
const [openai, ai, langchain] = [packagesOf('openai-'), packagesOf('ai'), packagesOf('langchain')]
const all = [...openai, ...ai, ...langchain]
const startedAt = performance.now()
let failures = 0

await install(all)
const installedAt = performance.now()
for (const note of all.flatMap(askingForNewerNode)) console.log(note)

await report('openai', openai, openaiCases, ({ wanted }) => wanted['openai'] ?? '')
await report('Vercel AI SDK', ai, aiCases, titleOf)
await report('LangChain.js', langchain, langchainCases, titleOf)

const seconds = (from: number, to: number): string => `${((to - from) / 1000).toFixed(1)} s`
const end = performance.now()
console.log(`\n✓ the same, raw and wrapped   ≠ different by design, and checked to be   ✗ different`)
console.log(`installed in ${seconds(startedAt, installedAt)}, ran in ${seconds(installedAt, end)}; ${failures} ✗`)
process.exitCode = failures === 0 ? 0 : 1

async function report<Sdk>(
  title: string,
  packages: readonly Package[],
  cases: readonly Case<Sdk>[],
  columnTitle: (one: Package) => string,
): Promise<void> {
  const columns: Column[] = []
  for (const one of packages) {
    const sdk = await load<Sdk>(one)
    const results: Result[] = []
    for (const each of cases) results.push(await compare(each, sdk, headgate))
    failures += results.filter(({ result }) => result === 'failed').length
    columns.push({ title: columnTitle(one), results })
  }
  console.log(`\n${tableOf(title, columns)}`)
}

function titleOf({ wanted }: Package): string {
  return Object.entries(wanted)
    .filter(([name]) => name !== 'zod')
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
}
