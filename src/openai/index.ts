export type { Hints } from '../dispatch/hints.js'
export { hint } from '../transport/hints.js'
export { limitOpenAI, type WrappableClient } from './limit-openai.js'
