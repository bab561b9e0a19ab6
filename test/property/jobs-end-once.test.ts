import * as fc from 'fast-check'
import { test } from 'vitest'
import { closing, commands, options } from './commands.js'
import { cases } from '../support/long.js'
import { runs } from '../support/runs.js'
import { World } from './world.js'

test('every job ends exactly once, as it may, and leaves nothing behind, whatever befalls it and its limiter', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), options, commands(24), closing, async (scheduler, options, commands, closing) => {
      const world = new World(scheduler, options)
      try {
        await fc.asyncModelRun(() => ({ model: world, real: world }), commands)
        await world.end(closing)
      } finally {
        world.leave()
      }
    }),
    runs(cases(250, 6000)),
  )
})
