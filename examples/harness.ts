/**
 * Two tasks of an evaluation harness: scoring a model's answers at the full quota, and measuring a service under an
 * open load.
 *
 * An open load sends each request at its own time, even if earlier ones are not answered yet.
 */
import { createLimiter, type Limiter } from 'headgate'
import { limitOpenAI } from 'headgate/openai'
import OpenAI from 'openai'
import { readPrompts } from './prompts.js'
import { flags, MODEL, openService } from './service.js'

/**
 * The mean rate of the open load, in requests per second, and its duration in seconds. Chosen: 90 % of the 10 per
 * second that the limit of 600 RPM allows. Nearer to the limit, waits in the queue grow without bound.
 */
const ARRIVALS_PER_SECOND = 9
const LOAD_SECONDS = 8
/** An answer counts as goodput if its first token comes within this time after the request's arrival, in ms. Chosen. */
const FIRST_TOKEN_WITHIN_MS = 1500

const { live, json } = flags('npm run example:harness [-- --json] [-- --live]')
const problems = readPrompts().filter(({ answer }) => answer !== undefined)
const solutions = new Map(problems.map(({ prompt, answer }) => [prompt, answer]))

await using service = await openService(live, {
  // Four of five answers are right.
  answer: ({ body, n }) => {
    const right = solutions.get(lastMessage(body)) ?? 0
    return `After some thought: the answer is ${n % 5 === 0 ? right + 1 : right}`
  },
})
await using limiter = createLimiter()
const client = limitOpenAI(new OpenAI({ baseURL: service.baseURL, apiKey: service.apiKey }), limiter)

const score = await evaluate(client)
// `run` needs to know when the wait ends, so here the limiter calls the plain client.
const plain = new OpenAI({ baseURL: service.baseURL, apiKey: service.apiKey, maxRetries: 0 })
const load = await openLoad(plain, limiter)
console.log(
  `\nEvaluation: ${score.right} of ${score.asked} right (${((100 * score.right) / score.asked).toFixed(0)} %)`,
)
console.log(`Open load: ${load.requests} requests at ${ARRIVALS_PER_SECOND} per second`)
for (const [name, { p50, p95 }] of Object.entries(load.ms)) {
  console.log(`  ${name.padEnd(34)} p50 ${p50.toFixed(0).padStart(6)} ms   p95 ${p95.toFixed(0).padStart(6)} ms`)
}
console.log(
  `  goodput ${load.goodputPerSecond.toFixed(2)} per second (first token within ${FIRST_TOKEN_WITHIN_MS} ms), ${load.throttled} 429s`,
)
if (json) console.log(JSON.stringify({ score, load }))

/** Sends all problems at once. The limiter paces them. */
async function evaluate(model: OpenAI): Promise<{ asked: number; right: number }> {
  const results = await Promise.all(
    problems.map(async ({ prompt, answer }) => {
      const { choices } = await model.chat.completions.create({
        model: MODEL,
        max_tokens: 300,
        messages: [{ role: 'user', content: prompt }],
      })
      const numbers = choices[0]?.message.content?.match(/-?\d+(?:\.\d+)?/g)
      return Number(numbers?.at(-1)) === answer
    }),
  )
  return { asked: results.length, right: results.filter(Boolean).length }
}

interface Load {
  readonly requests: number
  readonly ms: Readonly<Record<string, { p50: number; p95: number }>>
  readonly goodputPerSecond: number
  readonly throttled: number
}

/** Sends requests with Poisson arrivals: the times between them are drawn from an exponential distribution. */
async function openLoad(model: OpenAI, limiter: Limiter): Promise<Load> {
  const samples: Sample[] = []
  let throttled = 0
  const stop = limiter.on('throttled', () => throttled++)
  const start = performance.now()
  const running: Promise<void>[] = []
  for (let at = 0; at < LOAD_SECONDS * 1000; at += (-Math.log(1 - Math.random()) / ARRIVALS_PER_SECOND) * 1000) {
    await new Promise((resolve) => setTimeout(resolve, start + at - performance.now()))
    running.push(ask(model, limiter).then((sample) => void samples.push(sample)))
  }
  await Promise.all(running)
  stop()
  const seconds = (performance.now() - start) / 1000
  return {
    requests: samples.length,
    ms: {
      'wait in the queue': percentiles(samples.map(({ waitMs }) => waitMs)),
      'end of wait to first token': percentiles(samples.map((s) => s.firstTokenMs - s.waitMs)),
      'arrival to first token': percentiles(samples.map(({ firstTokenMs }) => firstTokenMs)),
      'arrival to last token': percentiles(samples.map(({ totalMs }) => totalMs)),
    },
    goodputPerSecond: samples.filter(({ firstTokenMs }) => firstTokenMs <= FIRST_TOKEN_WITHIN_MS).length / seconds,
    throttled,
  }
}

/** The times of one request, in ms after its arrival. */
interface Sample {
  /** When its last attempt was sent. Before that it waited in the queue, or after a refusal. */
  readonly waitMs: number
  readonly firstTokenMs: number
  readonly totalMs: number
}

async function ask(model: OpenAI, limiter: Limiter): Promise<Sample> {
  const arrivedAt = performance.now()
  const since = () => performance.now() - arrivedAt
  return limiter.schedule({ model: MODEL, inputTokens: 20, maxOutputTokens: 100 }, async (grant) => {
    const waitMs = since()
    const stream = await model.chat.completions.create(
      {
        model: grant.model,
        stream: true,
        stream_options: { include_usage: true },
        max_tokens: 100,
        messages: [{ role: 'user', content: 'Say something short.' }],
      },
      { signal: grant.signal },
    )
    let firstTokenMs: number | undefined
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) firstTokenMs ??= since()
      if (chunk.usage) grant.settle(chunk.usage)
    }
    return { waitMs, firstTokenMs: firstTokenMs ?? since(), totalMs: since() }
  })
}

function percentiles(values: readonly number[]): { p50: number; p95: number } {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  return { p50: at(0.5), p95: at(0.95) }
}

function lastMessage(body: Readonly<Record<string, unknown>>): string {
  const messages = body['messages'] as { content: string }[]
  return messages.at(-1)?.content ?? ''
}
