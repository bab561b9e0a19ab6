export type { Tokenizer } from '../cost/tokens.js'
export { splitText, textPieces, type SplitOptions, type TextPiece } from './split.js'
