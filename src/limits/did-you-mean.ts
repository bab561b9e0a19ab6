import { nearest } from './nearest.js'

/** ` Did you mean 'x'?`, to be put behind a sentence that names `given`; empty if no name in `known` is near it. */
export function didYouMean(given: string, known: readonly string[]): string {
  const meant = nearest(given, known)
  return meant === undefined ? '' : ` Did you mean '${meant}'?`
}

/**
 * What to do about an unknown name, to be put behind a colon: `did you mean 'x'?` if `meant` is near it, else `otherwise`.
 *
 * @param quote - stands around the name; '' in messages that quote no names
 */
export function nameAdvice(meant: string | undefined, otherwise: string, quote = "'"): string {
  return meant === undefined ? otherwise : `did you mean ${quote}${meant}${quote}?`
}
