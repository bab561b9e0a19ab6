import * as sdk from 'openai'
import { describe, expect, it } from 'vitest'
import { createLimiter } from '../../src/index.js'
import { hint, limitOpenAI } from '../../src/openai/index.js'
import { startSimulator } from '../../src/simulator/index.js'
import { openaiCases } from '../compat/cases/index.js'
import { compare } from '../compat/compare.js'
import { isLong } from '../support/long.js'

const headgate = { createLimiter, limitOpenAI, hint, startSimulator }

describe('with the installed release of openai, the wrapped client behaves as the raw one', () => {
  it.each(openaiCases.filter(({ waits }) => isLong || waits !== true))('$name', async (one) => {
    const { result, reason } = await compare(one, sdk, headgate)
    expect(result === 'failed' ? reason : '').toBe('')
  })
})
