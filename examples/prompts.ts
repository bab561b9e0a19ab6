import { readFileSync } from 'node:fs'

/** A line of prompts.jsonl; `answer` is there where the prompt has one right number for an answer. */
export interface Prompt {
  readonly id: string
  readonly prompt: string
  readonly answer?: number
}

/** The prompts beside these examples. */
export function readPrompts(): Prompt[] {
  // The compiled examples run from build/examples; the prompts stay where they are.
  const path = new URL('../../examples/prompts.jsonl', import.meta.url)
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Prompt)
}
