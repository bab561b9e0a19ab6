import * as sdk from 'openai'
import { describe, expect, it } from 'vitest'
import { createLimiter } from '../../src/index.js'
import { hint, limitOpenAI } from '../../src/openai/index.js'
import { startSimulator } from '../../src/simulator/index.js'
import { openaiCases } from '../compat/cases/index.js'
import { compare } from '../compat/compare.js'
import { isLong } from '../support/long.js'

const headgate = { createLimiter, limitOpenAI, hint, startSimulator }

describe('raw and wrapped, with the release that is installed, over sockets; `npm run test:compat` has more', () => {
  it.each(openaiCases.filter(({ waits }) => isLong || waits !== true))('$name', async (one) => {
    const { result, reason } = await compare(one, sdk, headgate)
    expect(result === 'failed' ? reason : '').toBe('')
  })
})
