import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildCli, type Built } from '../../cli/built.js'
import { IDS, runThroughKills } from './killing.js'
import { isLong } from '../../support/long.js'

/** Every fourth output is a .gz. */
const SEEDS = isLong ? Array.from({ length: 100 }, (_, i) => i + 1) : [3, 10]

let built: Built

beforeAll(async () => {
  built = await buildCli()
})

afterAll(() => built.remove())

describe('a run that is killed again and again', () => {
  it.each(SEEDS)(
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
