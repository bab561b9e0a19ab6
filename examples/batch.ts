/**
 * Answers a file of prompts at the full quota, and writes each answer as it arrives. Lines are read only as fast as
 * they are sent, so the file may have any length.
 */
import { createWriteStream } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { createLimiter } from 'headgate'
import { limitOpenAI } from 'headgate/openai'
import OpenAI from 'openai'
import PQueue from 'p-queue'
import { Progress } from './progress.js'
import { readPrompts, type Prompt } from './prompts.js'
import { flags, MODEL, openService } from './service.js'

/**
 * The most prompts in memory at once. Chosen: more than the service answers in the time of one answer. Fewer would
 * leave quota unused; more only take memory.
 */
const IN_FLIGHT = 100
const COUNT = 120

const { live } = flags(`npm run example:batch [-- --live]\n\nAnswers ${COUNT} prompts of examples/prompts.jsonl.`)

await using service = await openService(live)
await using limiter = createLimiter()
const client = limitOpenAI(new OpenAI({ baseURL: service.baseURL, apiKey: service.apiKey }), limiter)
const path = join(await mkdtemp(join(tmpdir(), 'headgate-')), 'answers.jsonl')
const output = createWriteStream(path)
const queue = new PQueue({ concurrency: IN_FLIGHT })
const counts = { completed: 0, failed: 0, throttled: 0 }
const progress = new Progress('batch', COUNT)
limiter.on('throttled', () => counts.throttled++)

for (const prompt of readPrompts().slice(0, COUNT)) {
  await queue.onSizeLessThan(1)
  void queue.add(() => answer(prompt))
}
await queue.onIdle()
progress.stop()
output.end()
await finished(output)
console.log(`${counts.completed} answered, ${counts.failed} failed, ${counts.throttled} 429s: ${path}`)

async function answer({ id, prompt }: Prompt): Promise<void> {
  try {
    const { choices } = await client.chat.completions.create({
      model: MODEL,
      max_tokens: 200,
      messages: [{ role: 'user', content: prompt }],
    })
    output.write(`${JSON.stringify({ id, answer: choices[0]?.message.content })}\n`)
    counts.completed++
  } catch (error) {
    output.write(`${JSON.stringify({ id, error: String(error) })}\n`)
    counts.failed++
  }
  progress.update(counts)
}
