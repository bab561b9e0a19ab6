import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as core from '../../src/index.js'
import { readPage, root } from './pages.js'

const { text } = readPage('docs/reference.md')
const sections = new Map(text.split(/^## /m).map((section) => [section.slice(0, section.indexOf('\n')), section]))

function sectionOf(title: string): string {
  const section = sections.get(title)
  if (section === undefined) throw new Error(`the reference has no section '${title}'`)
  return section
}

function fieldsOf(file: string, declaration: string): string[] {
  const source = readFileSync(join(root, file), 'utf8')
  const body = new RegExp(`${declaration}[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(source)?.[1] ?? ''
  return [...body.matchAll(/^ {2}(?:readonly )?(\w+)[?(:]/gm)].map(([, name]) => name!)
}

describe('the reference', () => {
  test('names every option of createLimiter', () => {
    const names = fieldsOf('src/options/limiter-options.ts', 'interface LimiterOptions')
    expect(names.length).toBeGreaterThan(15)
    for (const name of names) expect(sectionOf('Options of `createLimiter`')).toContain(`\`${name}\``)
  })

  test('names every event', () => {
    const names = fieldsOf('src/metrics/events.ts', 'interface HeadgateEvents')
    expect(names.length).toBeGreaterThan(5)
    for (const name of names) expect(sectionOf('Events')).toContain(`\`${name}\``)
  })

  test('names every error and its code', () => {
    const names = Object.keys(core).filter((name) => /^(?!Headgate)[A-Z]/.test(name))
    expect(names.length).toBeGreaterThan(5)
    for (const name of names) expect(sectionOf('Errors')).toContain(`\`${name}\``)
  })

  test('names every method of a limiter', () => {
    const names = Object.keys(core.createLimiter())
    expect(names.length).toBeGreaterThan(10)
    for (const name of names) expect(sectionOf('The limiter')).toMatch(new RegExp(`\`${name}[(\`]`))
  })

  test('names every field of a request and of a grant', () => {
    const requests = fieldsOf('src/dispatch/schedule-request.ts', 'interface ScheduleRequest')
    const grants = fieldsOf('src/dispatch/attempt.ts', 'interface Grant ')
    expect([requests.length, grants.length].every((count) => count > 4)).toBe(true)
    for (const name of [...requests, ...grants]) {
      expect(sectionOf('Requests and hints')).toMatch(new RegExp(`\`${name}[(\`]`))
    }
  })

  test('names every field of a profile', () => {
    const names = fieldsOf('src/types.ts', 'interface Profile ')
    expect(names.length).toBeGreaterThan(6)
    for (const name of names) expect(sectionOf('Profiles')).toContain(`\`${name}\``)
  })

  test('names every statistic', async () => {
    const limiter = core.createLimiter({ startFull: true })
    await limiter.schedule({ model: 'qwen-plus', tokens: 1 }, () => {})
    const stats = limiter.stats()
    for (const name of [...Object.keys(stats), ...Object.keys(stats.models['qwen-plus']!)]) {
      expect(sectionOf('Stats')).toContain(`\`${name}\``)
    }
  })
})
