import { InvalidRequest } from '../errors.js'
import { didYouMean } from '../limits/did-you-mean.js'

/**
 * Checks the names of `options`, because a misspelt option has no effect.
 *
 * @throws InvalidRequest for an option that `name` does not have
 */
export function checkNames(name: string, options: object, known: readonly string[]): void {
  for (const given of Object.keys(options)) {
    if (known.includes(given)) continue
    throw new InvalidRequest(
      `${name} has no option '${given}'.${didYouMean(given, known)} There are ${known.join(', ')}`,
    )
  }
}
