import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { singapore } from '../../../src/limits/data/singapore.js'
import { run } from '../terminal.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

async function printed(...argv: string[]): Promise<string> {
  const command = run('limits', ...argv)
  expect(await command.code, command.err).toBe(0)
  return command.out
}

describe('headgate limits', () => {
  it('prints all models of a table', async () => {
    const out = await printed()
    expect(out.split('\n')).toHaveLength(Object.keys(singapore).length + 2)
    expect(out).toMatch(/^model +rpm +tpm +from\n/)
    expect(out).toMatch(/^qwen-plus +600 +1,000,000 +model-studio\/singapore: .*international, 2025/m)
    expect(await printed('--table', 'model-studio/beijing')).not.toBe(out)
  })

  it('prints one model, with what holds a second', async () => {
    expect(await printed('qwen-plus')).toMatch(
      /^qwen-plus\n {2}rpm +600\n {2}tpm +1,000,000\n {2}rps +10\n {2}tps +16,666\.67\n {2}from +model-studio/,
    )
    const { table, models } = JSON.parse(await printed('qwen-plus', '--json')) as { table: string; models: object }
    expect(table).toBe('model-studio/singapore')
    expect(models).toMatchObject({ 'qwen-plus': { rpm: 600, tpm: 1_000_000, rps: 10 } })
  })

  it('takes a file, and tells what is retired', async () => {
    const folder = await temporaryFolder()
    const file = join(folder, 'own.json')
    await writeFile(file, JSON.stringify({ a: { rpm: 60, tpm: 5000, concurrency: 4 }, old: { rpm: 0, tpm: 0 } }))
    expect(await printed('--table', file)).toMatch(
      /^model +rpm +tpm +concurrency +from\na +60 +5,000 +4 .*\nold +retired/,
    )
    expect(await printed('old', '--table', file)).toMatch(/^old is retired/)
    expect(JSON.parse(await printed('--table', file, '--json'))).toMatchObject({ models: { old: { retired: true } } })
  })

  it.each<[string[], number, RegExp]>([
    [['qwen-plsu'], 2, /no limits of 'qwen-plsu' .* Did you mean 'qwen-plus'\?/],
    [['--table', 'model-studio/paris'], 2, /no built-in limits 'model-studio\/paris'/],
    [['--table', './none.json'], 4, /'\.\/none\.json' does not exist/],
    [['a', 'b'], 2, /too many arguments/],
  ])('%j ends with %i', async (argv, code, message) => {
    const command = run('limits', ...argv)
    expect(await command.code).toBe(code)
    expect(command.err).toMatch(message)
  })
})
