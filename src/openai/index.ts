export { hint, type Hints } from '../transport/hints.js'
export { limitOpenAI, type WrappableClient } from './limit-openai.js'
