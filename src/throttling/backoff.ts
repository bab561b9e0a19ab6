/**
 * The first and the longest back-off, in ms. Documented in docs/429s.md; they are the figures of the `openai` client. Larger
 * prolongs short faults; smaller adds load to a failing server.
 */
const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 8000
/**
 * The longest `Retry-After` that a retry waits for, in ms. After a longer one, the back-off applies instead. Documented in
 * docs/429s.md; it is the figure of the `openai` client.
 * Larger leaves a request waiting after a short fault; smaller retries while the server is still down.
 */
const MAX_ADVICE_MS = 60_000

/**
 * The wait in ms before retry number `retry` (from 0), after a fault of the server or the network. It is the server's
 * `Retry-After`, if there is one. Otherwise it is 0.5 s, doubling to 8 s, less up to a quarter at random. These are the figures
 * of the `openai` client.
 */
export function backoffMs(retry: number, adviceMs: number | undefined, random: () => number): number {
  if (adviceMs !== undefined && adviceMs >= 0 && adviceMs <= MAX_ADVICE_MS) return adviceMs
  return Math.min(FIRST_BACKOFF_MS * 2 ** retry, MAX_BACKOFF_MS) * (1 - random() * 0.25)
}
