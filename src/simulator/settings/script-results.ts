import { shown } from '../../limits/limit-values.js'
import type { AnswerScript, ScriptedAnswer } from '../answers/answer.js'

/** `answer` with a check of its results. A wrong result throws, and the request gets a 500. */
export function checkedAnswer(answer: AnswerScript): AnswerScript {
  return (request, choice) => {
    const given: unknown = answer(request, choice)
    if (typeof given === 'string') return given
    if (Object.prototype.toString.call(given) !== '[object Object]') {
      throw invalidResult('answer', 'a string or an object', given)
    }
    const { content, reasoning, toolCalls, outputTokens } = given as Record<keyof ScriptedAnswer, unknown>
    for (const [name, value] of Object.entries({ content, reasoning })) {
      if (value !== undefined && typeof value !== 'string') throw invalidResult('answer', `a string as ${name}`, value)
    }
    if (toolCalls !== undefined && !Array.isArray(toolCalls)) {
      throw invalidResult('answer', 'a list of calls as toolCalls', toolCalls)
    }
    if (outputTokens !== undefined) wholeTokens('answer', 'a whole number of at least 0 as outputTokens', outputTokens)
    return given as ScriptedAnswer
  }
}

/** `countTokens` with a check of its results. A fraction is rounded up, so text length / 4 is a valid count. */
export function checkedCount(countTokens: (text: string) => number): (text: string) => number {
  return (text) => {
    const count: unknown = countTokens(text)
    const whole = typeof count === 'number' ? Math.ceil(count) : count
    return wholeTokens('countTokens', 'a number of at least 0', whole)
  }
}

function wholeTokens(script: string, expected: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw invalidResult(script, expected, value)
}

/** A `TypeError`, not an `InvalidRequest`: that would blame the request with a 400. */
function invalidResult(script: string, expected: string, value: unknown): TypeError {
  const given = typeof value === 'number' ? String(value) : shown(value)
  return new TypeError(`simulator option ${script} must return ${expected}, not ${given}`)
}
