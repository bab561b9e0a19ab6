/** The largest number of messages that are printed and remembered: a message may name what a caller made up. */
const MAX_PRINTED = 100
/** The longest part of a message that is printed, in characters. */
const MAX_LENGTH = 1000

/** What a runtime may have to print with. It is asked for by name, because the core imports nothing. */
interface Runtime {
  readonly process?: { readonly emitWarning?: (message: string, options: { type: string; code?: string }) => void }
  readonly console?: { readonly warn?: (message: string) => void }
}

/**
 * Prints warnings that nobody listens to, each message once: by `process.emitWarning` as a `HeadgateWarning`, so that
 * Node's own flags apply, else by `console.warn`.
 */
export class WarningPrinter {
  readonly #printed = new Set<string>()

  /** Never throws. */
  print(message: string, code?: string): void {
    const text = printable(message)
    if (this.#printed.size >= MAX_PRINTED || this.#printed.has(text)) return
    this.#printed.add(text)
    write(text, code)
    if (this.#printed.size === MAX_PRINTED)
      write("No further warnings are printed: listen to the limiter's 'warning' event")
  }
}

function write(text: string, code?: string): void {
  const { process, console } = globalThis as Runtime
  try {
    const options = { type: 'HeadgateWarning', ...(code !== undefined && { code }) }
    if (typeof process?.emitWarning === 'function') process?.emitWarning(text, options)
    else console?.warn?.(`HeadgateWarning: ${text}`)
  } catch {
    // A warning that cannot be printed must stop no request.
  }
}

/** One line without control characters: a caller's text may forge lines, or hold commands for a terminal. */
function printable(message: string): string {
  const line = message.replace(/\p{Cc}+/gu, ' ')
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line
}
