/**
 * Two things that an evaluation harness does: score a model's answers at the full quota, and measure a service under an
 * open load, that is one whose requests arrive when they do and not when the last one was answered.
 */
import { createLimiter, type Limiter } from 'headgate'
import { limitOpenAI } from 'headgate/openai'
import OpenAI from 'openai'
import { readPrompts } from './prompts.js'
import { flags, MODEL, openService } from './service.js'

/** Requests a second on the average, and for how long. Nine in ten of what the limits allow. */
const ARRIVALS_PER_SECOND = 9
const LOAD_SECONDS = 8
/** An answer counts for the goodput if it begins within this time after its request arrived. */
const FIRST_TOKEN_WITHIN_MS = 1500

const { live, json } = flags('npm run example:harness [-- --json] [-- --live]')
const problems = readPrompts().filter(({ answer }) => answer !== undefined)
const solutions = new Map(problems.map(({ prompt, answer }) => [prompt, answer]))

await using service = await openService(live, {
  // A model that is right four times out of five.
  answer: ({ body, n }) => {
    const right = solutions.get(lastMessage(body)) ?? 0
    return `After some thought: the answer is ${n % 5 === 0 ? right + 1 : right}`
  },
})
await using limiter = createLimiter()
const client = limitOpenAI(new OpenAI({ baseURL: service.baseURL, apiKey: service.apiKey }), limiter)

const score = await evaluate(client)
// What waits is told to `run`, so here the limiter drives the plain client.
const plain = new OpenAI({ baseURL: service.baseURL, apiKey: service.apiKey, maxRetries: 0 })
const load = await openLoad(plain, limiter)
console.log(
  `\nEvaluation: ${score.right} of ${score.asked} right (${((100 * score.right) / score.asked).toFixed(0)} %)`,
)
console.log(`Open load: ${load.requests} requests at ${ARRIVALS_PER_SECOND} a second`)
for (const [name, { p50, p95 }] of Object.entries(load.ms)) {
  console.log(`  ${name.padEnd(34)} p50 ${p50.toFixed(0).padStart(6)} ms   p95 ${p95.toFixed(0).padStart(6)} ms`)
}
console.log(
  `  goodput ${load.goodputPerSecond.toFixed(2)} a second (first token within ${FIRST_TOKEN_WITHIN_MS} ms), ${load.throttled} 429s`,
)
if (json) console.log(JSON.stringify({ score, load }))

/** Asks all problems at once; the limiter sees to the pace. */
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

/** Poisson arrivals: the times between two are drawn from an exponential distribution. */
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
      'arrival to first token, wait apart': percentiles(samples.map((s) => s.firstTokenMs - s.waitMs)),
      'arrival to first token': percentiles(samples.map(({ firstTokenMs }) => firstTokenMs)),
      'arrival to last token': percentiles(samples.map(({ totalMs }) => totalMs)),
    },
    goodputPerSecond: samples.filter(({ firstTokenMs }) => firstTokenMs <= FIRST_TOKEN_WITHIN_MS).length / seconds,
    throttled,
  }
}

/** Times of one request, in ms since its arrival. */
interface Sample {
  /** Until its last attempt was sent: the queue, and refusals that it met. */
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
