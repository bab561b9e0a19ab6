import type { Random } from '../random.js'
import type { SimulatedRequest } from '../requests/request.js'
import type { Settings } from '../settings/settings.js'
import { answerOf, drawnText, drawnTokens, segmentsOfScript, toolSegment } from './answer.js'
import type { Answer, Segment } from './answer.js'
import { drawnCall } from './drawn-call.js'

/** The most output tokens of each answer to a request. Embeddings have none. */
export function outputCap(request: SimulatedRequest, settings: Settings): number {
  if (request.route === 'embeddings') return 0
  return Math.min(request.maxTokens ?? Infinity, settings.maxOutputTokens)
}

/** The answers to a request: one for each choice, from the script or drawn. */
export function drawAnswers(request: SimulatedRequest, settings: Settings, random: Random): Answer[] {
  const cap = outputCap(request, settings)
  return Array.from({ length: request.choices }, (_, choice) => {
    const segments =
      settings.answer === undefined
        ? drawnSegments(request, settings, random)
        : segmentsOfScript(settings.answer(request, choice), settings.countTokens, random)
    return answerOf(segments, cap)
  })
}

/** Thinking if the request asks for it, then a tool call or text. */
function drawnSegments(request: SimulatedRequest, settings: Settings, random: Random): Segment[] {
  const segments: Segment[] = []
  if (request.thinking) {
    const drawn = drawnTokens(random, settings.meanThinkingTokens)
    const tokens = Math.min(drawn, request.thinkingBudget ?? Infinity)
    segments.push({ kind: 'reasoning', text: drawnText(random, tokens), tokens })
  }
  const call = request.route === 'completions' ? undefined : drawnCall(request, random, settings.toolCallRate)
  if (call !== undefined) {
    return [...segments, toolSegment(call.name, call.arguments, 0, settings.countTokens, random)]
  }
  const tokens = drawnTokens(random, settings.meanOutputTokens)
  return [...segments, { kind: 'content', text: drawnText(random, tokens), tokens }]
}
