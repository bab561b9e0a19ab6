import { readFileSync } from 'node:fs'

/** One line of prompts.jsonl. It has an `answer` if exactly one number is right. */
export interface Prompt {
  readonly id: string
  readonly prompt: string
  readonly answer?: number
}

/** The prompts of prompts.jsonl. */
export function readPrompts(): Prompt[] {
  // The compiled examples run in build/examples. The prompts are not copied there.
  const path = new URL('../../examples/prompts.jsonl', import.meta.url)
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Prompt)
}
