import { shown } from '../../limits/limit-values.js'
import type { AnswerScript, ScriptedAnswer } from '../answers/answer.js'

/** `answer`, where what it gives is checked: a wrong one throws, and what a script throws is answered with a 500. */
export function checkedAnswer(answer: AnswerScript): AnswerScript {
  return (request, choice) => {
    const given: unknown = answer(request, choice)
    if (typeof given === 'string') return given
    if (Object.prototype.toString.call(given) !== '[object Object]') {
      throw invalidResult('answer', 'a text or an object', given)
    }
    const { content, reasoning, toolCalls, outputTokens } = given as Record<keyof ScriptedAnswer, unknown>
    for (const [name, value] of Object.entries({ content, reasoning })) {
      if (value !== undefined && typeof value !== 'string') throw invalidResult('answer', `a text as ${name}`, value)
    }
    if (toolCalls !== undefined && !Array.isArray(toolCalls)) {
      throw invalidResult('answer', 'a list of calls as toolCalls', toolCalls)
    }
    if (outputTokens !== undefined) wholeTokens('answer', 'a whole number from 0 on as outputTokens', outputTokens)
    return given as ScriptedAnswer
  }
}

/** `countTokens`, checked likewise. A fraction, as of the text's length by four, counts as the next whole number. */
export function checkedCount(countTokens: (text: string) => number): (text: string) => number {
  return (text) => {
    const count: unknown = countTokens(text)
    const whole = typeof count === 'number' ? Math.ceil(count) : count
    return wholeTokens('countTokens', 'a number from 0 on', whole)
  }
}

function wholeTokens(script: string, expected: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw invalidResult(script, expected, value)
}

/** Not an `InvalidRequest`: that would blame the request with a 400. */
function invalidResult(script: string, expected: string, value: unknown): TypeError {
  const given = typeof value === 'number' ? String(value) : shown(value)
  return new TypeError(`simulator option ${script} must give ${expected}, not ${given}`)
}
