import { afterAll, beforeAll, describe, it } from 'vitest'
import { buildCli, type Built } from '../cli/built.js'
import { runThroughKills } from './killing.js'

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
    (seed) => runThroughKills(built.main, seed),
    60_000,
  )
})
