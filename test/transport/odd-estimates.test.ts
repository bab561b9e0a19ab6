import { describe, expect, it } from 'vitest'
import { json } from '../support/fake-fetch.js'
import { chatBody, LimitedFetch } from '../support/limited-fetch.js'

const ok = json({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } })
const other = { ...chatBody, model: 'qwen-flash' }

/** The refused request's message; one of another model and one of the same go on. */
async function messageOfRefused(world: LimitedFetch): Promise<string> {
  const [refused, ofOther] = await Promise.all([world.after(world.post()), world.after(world.post(other))])
  expect([refused.status, ofOther.status]).toEqual([400, 200])
  const { error } = (await refused.json()) as { error: { code: string; message: string } }
  expect(error.code).toBe('invalid_request')
  expect((await world.after(world.post(other))).status).toBe(200)
  expect(world.service.sent).toHaveLength(2)
  world.expectAtRest()
  return error.message
}

describe('an estimate that is no number of tokens fails its request alone, and is named', () => {
  const values: [name: string, value: unknown, shown: string][] = [
    ['NaN', Number.NaN, 'NaN'],
    ['negative', -1, '-1'],
    ['Infinity', Infinity, 'Infinity'],
    ['a string', '77', '"77"'],
    ['a promise', Promise.resolve(77), '[object Promise]'],
  ]

  describe.each(['inputTokens', 'maxOutputTokens', 'tokens'])('%s', (field) => {
    it.each(values)('%s', async (_, value, shown) => {
      const estimator = ({ model }: { model: string }) => (model === 'qwen-plus' ? { [field]: value as number } : {})
      const message = await messageOfRefused(new LimitedFetch([ok], { estimator }))
      expect(message).toContain(`${field} is ${shown}`)
    })
  })

  it('thrown instead', async () => {
    const estimator = ({ model }: { model: string }) => {
      if (model === 'qwen-plus') throw new RangeError('no idea')
      return {}
    }
    const message = await messageOfRefused(new LimitedFetch([ok], { estimator }))
    expect(message).toContain("The estimator failed for a request to 'qwen-plus': RangeError: no idea")
  })
})

describe('an estimator that gives no estimate', () => {
  it.each([
    ['a promise', () => Promise.resolve({ tokens: 5 }), /it gave/],
    ['a number', () => 5, /it gave the number 5/],
    ['nothing', () => undefined, /it gave undefined/],
  ])('%s: fails its request alone, for it would be without effect', async (_, answer, shown) => {
    const estimator = ({ model }: { model: string }) => (model === 'qwen-plus' ? (answer() as object) : {})
    const message = await messageOfRefused(new LimitedFetch([ok], { estimator }))
    expect(message).toMatch(shown)
  })
})

describe('a tokenizer', () => {
  it.each([
    ['that throws', () => thrower(), 'The tokenizer threw'],
    ['that counts NaN', () => Number.NaN, 'NaN'],
    ['that counts a promise', () => Promise.resolve(3) as unknown as number, '[object Promise]'],
  ])('%s fails its request alone, and is named', async (_, answer, shown) => {
    const tokenizer = { count: (text: string) => (text.includes('Hi') ? answer() : text.length) }
    const world = new LimitedFetch([ok], { tokenizer })
    const refused = await world.after(world.post())
    const message = ((await refused.json()) as { error: { message: string } }).error.message
    expect([refused.status, message]).toEqual([400, expect.stringContaining(shown)])
    const fine = { ...chatBody, messages: [{ role: 'user', content: 'ok' }] }
    expect((await world.after(world.post(fine))).status).toBe(200)
    world.expectAtRest()
  })
})

function thrower(): never {
  throw new Error('no vocabulary')
}
