import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exec, root } from './package/packed.js'

const readme = readFileSync(join(root, 'README.md'), 'utf8')

describe('the README', () => {
  test('shows ten lines that print what it says', async () => {
    const [, program, output] = /## Ten lines\n\n```js\n([\s\S]*?)```\n\n```\n([\s\S]*?)```/.exec(readme)!
    const { stdout } = await exec(process.execPath, ['--input-type=module', '--eval', program!], { cwd: root })
    expect(stdout).toBe(output)
  })

  test('names every option of createLimiter, every error and every event', () => {
    const options = readFileSync(join(root, 'src/options/limiter-options.ts'), 'utf8')
    const names = [...options.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name]) => name!)
    expect(names.length).toBeGreaterThan(10)
    const table = readme.slice(readme.indexOf('## Options of'), readme.indexOf('## What is guaranteed'))
    for (const name of names) expect(table).toContain(`\`${name}\``)
    const errors = readFileSync(join(root, 'src/errors.ts'), 'utf8')
    for (const [, name] of errors.matchAll(/export class (\w+) extends/g)) expect(table).toContain(`\`${name}\``)
    const events = readFileSync(join(root, 'src/metrics/events.ts'), 'utf8')
    const named = /interface HeadgateEvents \{([\s\S]*?)\n\}/.exec(events)![1]!
    for (const [, name] of named.matchAll(/^ {2}(\w+):/gm)) expect(table).toContain(`\`${name}\``)
  })

  test('names only scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, script]) => script!)
    expect(named).not.toEqual([])
    for (const script of named) expect(scripts).toHaveProperty([script])
  })
})
