import { expect, it } from 'vitest'
import { apiKeyOf, jitterOf, rampOf } from '../../../src/cli/run/run-options.js'

const MODEL_STUDIO = 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1'
const OPENAI = 'https://api.openai.com/v1'
const HERE = 'http://127.0.0.1:8080/v1'

it('begins slowly where surges are refused, unless it is told how', () => {
  expect(rampOf({ baseUrl: MODEL_STUDIO })).toEqual({ share: 0.45, ms: 45_000 })
  expect(rampOf({ baseUrl: HERE })).toEqual({ share: 0.45, ms: 45_000 })
  expect(rampOf({ baseUrl: OPENAI })).toBeUndefined()
  expect(rampOf({ baseUrl: 'https://aliyuncs.com.example.org/v1' })).toBeUndefined()
  expect(rampOf({ baseUrl: OPENAI, rampUp: 10 })).toMatchObject({ ms: 10_000 })
  expect(rampOf({ baseUrl: MODEL_STUDIO, rampUp: 0 })).toBeUndefined()
})

it('learns how much delays vary, but on this machine', () => {
  expect(jitterOf({ baseUrl: MODEL_STUDIO })).toBeUndefined()
  expect(jitterOf({ baseUrl: HERE })).toBe(75)
  expect(jitterOf({ baseUrl: 'http://localhost:8080/v1' })).toBe(75)
  expect(jitterOf({ baseUrl: HERE, networkJitterMs: 20 })).toBe(20)
})

it('takes the key of the host from the environment, and gives it to no other', () => {
  const env = { DASHSCOPE_API_KEY: 'for-model-studio', OPENAI_API_KEY: 'for-openai', MINE: 'my-own' }
  const keyFor = (baseUrl: string, apiKeyEnv?: string) =>
    apiKeyOf({ baseUrl, output: 'out', ...(apiKeyEnv !== undefined && { apiKeyEnv }) }, env)
  expect(keyFor(MODEL_STUDIO)).toBe('for-model-studio')
  expect(keyFor(OPENAI)).toBe('for-openai')
  expect(keyFor(OPENAI, 'MINE')).toBe('my-own')
  expect(keyFor(HERE)).toBeUndefined()
  expect(() => keyFor('https://openai.com.example.org/v1')).toThrow('no HEADGATE_API_KEY')
})
