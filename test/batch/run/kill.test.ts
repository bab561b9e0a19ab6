import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildCli, type Built } from '../../cli/built.js'
import { IDS, runThroughKills } from './killing.js'

/** `npm run test:kill` takes more. */
const CASES = Number(process.env['HEADGATE_KILL_CASES'] ?? 10)

let built: Built

beforeAll(async () => {
  built = await buildCli()
})

afterAll(() => built.remove())

describe('a run that is killed again and again', () => {
  it.each(Array.from({ length: CASES }, (_, i) => i + 1))(
    'ends with each line done once (seed %i)',
    async (seed) => {
      const { customIds, isAllAnswered, sent, lost } = await runThroughKills(built.main, seed)
      expect(customIds).toEqual(IDS)
      expect(isAllAnswered).toBe(true)
      expect(sent).toBe(IDS.length + lost)
    },
    60_000,
  )
})
