/**
 * Uses every entry point as a TypeScript program would. It is compiled, but never run.
 *
 * The marked lines have a wrong argument, and the compiler must reject it. If the declarations were not found, the
 * types would be `any`, and the marks would be errors.
 */
import { createLimiter, isHeadgateError, type Grant, type Limiter, type LimitsTable, type Stats } from 'headgate'
import { runBatch, splitText, type BatchSummary } from 'headgate/batch'
import { builtInTables, joinLimits, validateTable } from 'headgate/limits'
import { ModelStudio, type Deployment, type Quota } from 'headgate/model-studio'
import { loadLimits } from 'headgate/node'
import { hint, limitOpenAI, type Hints } from 'headgate/openai'
import { startSimulator, type Ledger } from 'headgate/simulator'

const table: LimitsTable = { m: { rpm: 600, tpm: 1_000_000 } }

export async function core(): Promise<Stats> {
  const limiter: Limiter = createLimiter({ limits: joinLimits(table, builtInTables['model-studio/singapore']) })
  limiter.on('throttled', ({ model }) => console.log(model.toUpperCase()))
  const answer: number = await limiter.schedule({ model: 'm', tokens: 10 }, ({ attempt }: Grant) => attempt + 1)
  // @ts-expect-error: `tokens` is a number
  await limiter.schedule({ model: 'm', tokens: '10' }, () => answer)
  const response: Response = await limiter.fetch('https://localhost/v1/chat/completions')
  await limiter[Symbol.asyncDispose]()
  return response.ok ? limiter.stats({ lastMs: 1000 }) : limiter.workspace('team', table).stats()
}

export function client<C extends Parameters<typeof limitOpenAI>[0]>(openai: C, limiter: Limiter): C {
  const hints: Hints = { priority: 5, tenant: 'web' }
  const init: RequestInit = hint(hints)
  // @ts-expect-error: `priority` is a number
  hint({ priority: 'high' })
  return init.method === undefined ? limitOpenAI(openai, limiter) : openai
}

export async function limits(): Promise<LimitsTable> {
  try {
    return validateTable(await loadLimits('limits.json'), 'limits.json')
  } catch (error) {
    if (isHeadgateError(error, 'invalid_limits')) console.error(error.message)
  }
  // @ts-expect-error: the path is a string
  return loadLimits(5)
}

export async function batch(limiter: Limiter): Promise<BatchSummary> {
  const run = runBatch({ input: [{ prompt: splitText('a b', { maxTokens: 1 })[0] ?? '' }], limiter, model: 'm' })
  for await (const { ok, record } of run) console.log(ok, record.custom_id)
  // @ts-expect-error: the limiter is missing
  runBatch({ input: [{ prompt: '' }], model: 'm' })
  return run.summary
}

export async function account(apiKey: string): Promise<[Quota[], Deployment]> {
  const studio = new ModelStudio({ apiKey, region: 'beijing' })
  // @ts-expect-error: the region does not exist
  console.log(new ModelStudio({ apiKey, region: 'paris' }))
  return [await studio.quotas.list({ model: 'qwen-plus' }).all(), await studio.deployments.get('m')]
}

export async function simulated(): Promise<Ledger> {
  const simulator = await startSimulator({ limits: table })
  const port: number = simulator.port
  // @ts-expect-error: `port` is a number
  await startSimulator({ port: `${port}` })
  await simulator.close()
  return simulator.ledger()
}
