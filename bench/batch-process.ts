/** Sends the lines of a file in a child process, so that the measured memory is the sender's alone. */
import { fork, type ChildProcess } from 'node:child_process'
import { createReadStream, createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { finished } from 'node:stream/promises'
import type OpenAI from 'openai'
import { runBatchFile } from '../src/batch/index.js'
import { keepHeapSmall } from '../src/cli/run/keep-heap-small.js'
import { createLimiter } from '../src/limiter.js'

/** The programs that are compared. */
export const senders = ['headgate', 'openai under p-queue'] as const
export type Sender = (typeof senders)[number]

export interface Order {
  readonly sender: Sender
  readonly input: string
  readonly output: string
  readonly url: string
  readonly concurrency: number
}

export interface Sent {
  readonly succeeded: number
  readonly ms: number
  /** The largest resident memory of the process, in bytes. */
  readonly peakRss: number
}

/** A child process that executes orders one after another. */
export class SenderProcess {
  readonly #child: ChildProcess = fork(new URL(import.meta.url), { execArgv: [] })

  async run(order: Order): Promise<Sent> {
    this.#child.send(order)
    const [sent] = (await once(this.#child, 'message')) as [Sent]
    return sent
  }

  stop(): void {
    this.#child.kill()
  }
}

async function byHeadgate({ input, output, url, concurrency }: Order): Promise<number> {
  // The command line does the same.
  keepHeapSmall()
  const wide = { 'qwen-plus': { rpm: 1e9, tpm: 1e12 } }
  await using limiter = createLimiter({ limits: wide, startFull: true })
  const { succeeded } = await runBatchFile({ input, output, limiter, baseURL: url, apiKey: 'any', concurrency }).summary
  return succeeded
}

async function byOpenAI({ input, output, url, concurrency }: Order): Promise<number> {
  // Imported here, so that the other sender's process does not load these packages.
  const [{ default: Client }, { default: PQueue }] = await Promise.all([import('openai'), import('p-queue')])
  const client = new Client({ apiKey: 'any', baseURL: url, maxRetries: 4 })
  const queue = new PQueue({ concurrency })
  const written = createWriteStream(output).setMaxListeners(concurrency)
  let succeeded = 0
  for await (const line of createInterface({ input: createReadStream(input), crlfDelay: Infinity })) {
    const { custom_id, body } = JSON.parse(line) as {
      custom_id: string
      body: OpenAI.ChatCompletionCreateParamsNonStreaming
    }
    await queue.onSizeLessThan(1)
    void queue.add(async () => {
      const answer = await client.chat.completions.create(body)
      if (!written.write(`${JSON.stringify({ custom_id, response: { status_code: 200, body: answer } })}\n`)) {
        await once(written, 'drain')
      }
      succeeded++
    })
  }
  await queue.onIdle()
  written.end()
  await finished(written)
  return succeeded
}

// This part runs in the child. The parent sends the orders.
if (process.send !== undefined && process.argv[1] === new URL(import.meta.url).pathname) {
  process.on('message', (order: Order) => {
    const beganAt = performance.now()
    void (order.sender === 'headgate' ? byHeadgate(order) : byOpenAI(order)).then((succeeded) => {
      const ms = performance.now() - beganAt
      process.send!({ succeeded, ms, peakRss: process.resourceUsage().maxRSS * 1024 } satisfies Sent)
    })
  })
}
