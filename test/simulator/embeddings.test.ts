import { expect, it } from 'vitest'
import { ManualClock } from './manual-clock.js'
import { refusalOf, simulate } from './setup.js'

const model = 'text-embedding-v4'

it('an embedding is a vector of length 1 that depends on the text only', async () => {
  const { client } = await simulate()
  const { data, usage } = await client.embeddings.create({ model, input: ['deep', 'wide', 'deep'] })
  expect(data.map(({ index }) => index)).toEqual([0, 1, 2])
  expect(data[0]?.embedding).toHaveLength(1024)
  expect(data[2]?.embedding).toEqual(data[0]?.embedding)
  expect(data[1]?.embedding).not.toEqual(data[0]?.embedding)
  const squares = data[0]?.embedding.reduce((sum, value) => sum + value * value, 0)
  expect(squares).toBeCloseTo(1, 5)
  expect(usage).toEqual({ prompt_tokens: 3, total_tokens: 3 })
})

it('an embedding is the same as numbers and as base64, and has the requested dimensions', async () => {
  const { client } = await simulate()
  const input = 'deep'
  const packed = await client.embeddings.create({ model, input, dimensions: 64 })
  const plain = await client.embeddings.create({ model, input, dimensions: 64, encoding_format: 'float' })
  expect(plain.data[0]?.embedding).toHaveLength(64)
  expect(packed.data[0]?.embedding).toEqual(plain.data[0]?.embedding)
})

it('a list of token numbers counts its length, and the input counts against the limits', async () => {
  const clock = new ManualClock()
  const { simulator, client } = await simulate({ clock, limits: { [model]: { tpm: 10 } }, secondWindow: 'off' })
  const inputs = [
    [1, 2, 3],
    [[1, 2], [3]],
  ]
  const answers = await Promise.all(inputs.map((input) => client.embeddings.create({ model, input })))
  expect(answers.map(({ usage, data }) => [usage.total_tokens, data.length])).toEqual([
    [3, 1],
    [3, 2],
  ])
  expect((await refusalOf(client.embeddings.create({ model, input: 'x'.repeat(17) }))).code).toBe('insufficient_quota')
  await client.embeddings.create({ model, input: 'x'.repeat(16) })
  expect(simulator.ledger().models[model]).toMatchObject({ inputTokens: 10, outputTokens: 0 })
})
