import { describe, expect, test } from 'vitest'
import { pages } from './pages.js'
import { runPage } from './run-page.js'

/** `js` and `sh` are run, `json` and `jsonl` parsed, and all of them and `text` are files where they have a name. */
const LANGUAGES = new Set(['js', 'sh', 'json', 'jsonl', 'text'])
/** Pages with a picture of an output that no program of theirs prints. */
const SHOW_OUTPUT = ['README.md', 'docs/property-tests.md']
/** Pages with figures, not with programs. */
const all = pages().filter(({ path }) => path !== 'ARCHITECTURE.md')
const withPrograms = all.filter(({ blocks }) => blocks.some(({ language }) => language === 'js' || language === 'sh'))

describe('what the pages show', () => {
  test.concurrent.each(withPrograms.map((page) => [page.path, page] as const))(
    '%s shows programs and commands that run, and print what it says',
    async (_, page) => {
      const shown = await runPage(page)
      expect(shown.map(({ line, printed }) => ({ line, printed }))).toEqual(
        shown.map(({ line, expected }) => ({ line, printed: expected })),
      )
    },
    240_000,
  )

  test.each(all.map((page) => [page.path, page] as const))('%s has no block that nothing checks', (_, page) => {
    expect(page.blocks.filter(({ language }) => !LANGUAGES.has(language))).toEqual([])
    for (const { language, file, line, text, output } of page.blocks) {
      const where = `the block at line ${line} of ${page.path}`
      if (output !== undefined) expect(['js', 'sh'], where).toContain(language)
      // What a terminal shows at one moment; see readme.test.ts.
      if (language === 'text' && file === undefined) expect(SHOW_OUTPUT).toContain(page.path)
      const documents = language === 'jsonl' ? text.trim().split('\n') : language === 'json' ? [text] : []
      for (const document of documents) expect(() => void JSON.parse(document), where).not.toThrow()
    }
  })

  test('enough of them do', () => {
    expect(withPrograms.length).toBeGreaterThan(12)
  })
})
