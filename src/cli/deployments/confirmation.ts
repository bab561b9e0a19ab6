import { UsageError } from '../exit-codes.js'
import type { Terminal } from '../terminal/terminal.js'

/**
 * Gets somebody's word before anything is changed; `--yes` is one.
 *
 * @throws UsageError, at once, where there is neither
 */
export function confirmation(terminal: Terminal, yes: boolean): (what: string) => Promise<boolean> {
  if (yes) return async () => true
  const { ask } = terminal
  if (ask === undefined) {
    throw new UsageError('this changes what is deployed, and nobody can be asked here: add --yes to go on without')
  }
  return async (what) => {
    const isAgreed = /^\s*y(es)?\s*$/i.test(await ask(`${what}\nGo on? [y/N] `))
    if (!isAgreed) terminal.err('Nothing was changed.\n')
    return isAgreed
  }
}
