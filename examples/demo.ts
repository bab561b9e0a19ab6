/**
 * Sends the same few hundred prompts twice: through the plain `openai` client, and through one that Headgate wraps.
 * They go to the built-in simulator, or with `--live` to the real service.
 */
import { createLimiter } from 'headgate'
import { limitOpenAI } from 'headgate/openai'
import OpenAI from 'openai'
import { Progress } from './progress.js'
import { readPrompts, type Prompt } from './prompts.js'
import { flags, MODEL, openService } from './service.js'
import { Tally, type Result } from './tally.js'

const HELP = `npm run demo [-- --json] [-- --live]

Sends ${readPrompts().length} prompts to ${MODEL} (600 requests and 1,000,000 tokens per minute) all at once, first with the
plain openai client, then with Headgate, and prints a table.

  --json   also print the results as JSON, on the last line
  --live   use the real service instead of the simulator (needs DASHSCOPE_API_KEY; calls are billed)`

const LIMITS = { rpm: 600, tpm: 1_000_000 }

const { live, json } = flags(HELP)
const prompts = readPrompts()

const plain = await run('plain openai client', (client) => client)
const headgate = await run('with headgate', (client) => {
  // The client and the simulator share this machine's cores, so delays vary more here than between two machines.
  const limiter = createLimiter({ overrides: { [MODEL]: LIMITS }, networkJitterMs: 75 })
  return limitOpenAI(client, limiter)
})

printTable({ 'plain openai client': plain, 'with headgate': headgate })
if (json) console.log(JSON.stringify({ plain, headgate }))

/** Sends all prompts at once through `wrap(client)`, to a service of their own. */
async function run(title: string, wrap: (client: OpenAI) => OpenAI): Promise<Result> {
  await using service = await openService(live)
  const tally = new Tally(LIMITS)
  const client = wrap(new OpenAI({ baseURL: service.baseURL, apiKey: service.apiKey, fetch: tally.fetch }))
  // Opens the connection. The first request takes longer than all others because of its handshake.
  await client.models.list()
  const progress = new Progress(title, prompts.length)
  const ask = async ({ prompt }: Prompt): Promise<void> => {
    try {
      await client.chat.completions.create({
        model: MODEL,
        messages: [{ role: 'user', content: prompt }],
        max_tokens: 200,
      })
      tally.completed++
    } catch {
      tally.failed++
    }
    progress.update(tally)
  }
  await Promise.allSettled(prompts.map(ask))
  progress.stop()
  return tally.result()
}

function printTable(results: Readonly<Record<string, Result>>): void {
  const columns = ['requests', 'done', 'failed', '429s', 'seconds', 'share of the quota used']
  console.log(`\n${''.padEnd(20)}${columns.map((column) => column.padStart(Math.max(column.length + 2, 10))).join('')}`)
  for (const [name, r] of Object.entries(results)) {
    const cells = [
      r.requests,
      r.completed,
      r.failed,
      r.throttled,
      r.seconds.toFixed(1),
      `${(r.quotaUse * 100).toFixed(1)} %`,
    ]
    console.log(
      name.padEnd(20) + cells.map((cell, i) => String(cell).padStart(Math.max(columns[i]!.length + 2, 10))).join(''),
    )
  }
  console.log()
}
