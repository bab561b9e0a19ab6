/**
 * A chat app. Answers stream to the screen. When the primary model is full, a backup model answers.
 *
 * In this example the primary model refuses the second question, as the service does when a quota is full.
 */
import { createLimiter } from 'headgate'
import { hint, limitOpenAI } from 'headgate/openai'
import { throttleBody } from 'headgate/simulator'
import OpenAI from 'openai'
import { flags, MODEL, openService } from './service.js'

const BACKUP = 'qwen-turbo'
const { live } = flags('npm run example:app [-- --live]\n\nAsks three questions; each answer streams to the screen.')

await using service = await openService(live, {
  answer: ({ model }) => `This is ${model}, and I would rather answer in many small pieces than in one.`,
  // n is the number of the request, from 1.
  fail: ({ model }, n) =>
    model === MODEL && n === 2 ? { status: 429, body: throttleBody('tokens', 'openai', 'demo') } : undefined,
})
await using limiter = createLimiter({ fallback: { [MODEL]: [BACKUP] } })
limiter.on('throttled', ({ model, class: kind, holdMs }) => {
  console.log(`  (${model} reached its ${kind} limit; the limiter holds it for ${(holdMs / 1000).toFixed(1)} s)`)
})
limiter.on('fallback', ({ from, to, reason }) => console.log(`  (${from} → ${to}: ${reason})`))

const client = limitOpenAI(new OpenAI({ baseURL: service.baseURL, apiKey: service.apiKey }), limiter)

for (const question of ['Who are you?', 'And who are you now?', 'And now?']) {
  console.log(`\n> ${question}`)
  const stream = await client.chat.completions.create(
    { model: MODEL, stream: true, messages: [{ role: 'user', content: question }] },
    // A person waits for this answer. Its priority puts it before the app's other requests.
    { fetchOptions: hint({ priority: 10 }) },
  )
  let servedBy = ''
  for await (const chunk of stream) {
    servedBy = chunk.model
    process.stdout.write(chunk.choices[0]?.delta.content ?? '')
  }
  console.log(`\n  [${servedBy}]`)
}
