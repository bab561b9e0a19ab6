const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 8000
/** A server that asks for more than this is not waited for; the backoff is taken instead. */
const MAX_ADVICE_MS = 60_000

/**
 * How long to wait before retry number `retry` (from 0) of a request that failed by a fault of the server or the
 * network: the server's word if it gave one, else 0.5 s doubling to 8 s, less up to a quarter at random. These are the
 * figures of the `openai` client.
 */
export function backoffMs(retry: number, adviceMs: number | undefined, random: () => number): number {
  if (adviceMs !== undefined && adviceMs >= 0 && adviceMs <= MAX_ADVICE_MS) return adviceMs
  return Math.min(FIRST_BACKOFF_MS * 2 ** retry, MAX_BACKOFF_MS) * (1 - random() * 0.25)
}
