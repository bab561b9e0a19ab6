/** Keeps warnings of limiters that no test listens to out of the report. A test of them spies on this function. */
const emitWarning = process.emitWarning.bind(process) as (...given: unknown[]) => void

process.emitWarning = (...given: unknown[]): void => {
  const [, options] = given
  if ((options as { type?: unknown } | undefined)?.type !== 'HeadgateWarning') emitWarning(...given)
}
