import { InvalidRequest } from '../errors.js'
import { nearest } from '../limits/nearest.js'

/** @throws InvalidRequest for an option that `name` does not have: misspelt, it would be without effect */
export function checkNames(name: string, options: object, known: readonly string[]): void {
  for (const given of Object.keys(options)) {
    if (known.includes(given)) continue
    const meant = nearest(given, known)
    const hint = meant === undefined ? '' : ` Did you mean '${meant}'?`
    throw new InvalidRequest(`${name} has no option '${given}'.${hint} There are ${known.join(', ')}`)
  }
}
