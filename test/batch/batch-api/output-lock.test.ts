import { expect, it } from 'vitest'
import { lines, world } from './setup.js'

it('is refused while another run writes to its output', async () => {
  const here = await world(lines(4))
  const first = here.run()
  await expect(here.run()).rejects.toThrow(/another run is writing to the output/)
  expect(await first).toMatchObject({ succeeded: 4 })
  expect(await here.run()).toMatchObject({ succeeded: 0, skipped: 4 })
})
