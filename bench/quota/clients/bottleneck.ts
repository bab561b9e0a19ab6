import Bottleneck from 'bottleneck'
import { reservedTokens, type ClientKind } from './client.js'
import { sendWithRetries } from './openai.js'

/** A reservoir of a minute's requests around one of a minute's tokens, each filled anew every minute. */
export const bottleneck: ClientKind = {
  name: 'bottleneck',
  packages: ['bottleneck'],
  usesGlobals: true,
  create(setting) {
    const reservoir = (amount: number) =>
      new Bottleneck({ reservoir: amount, reservoirRefreshAmount: amount, reservoirRefreshInterval: 60_000 })
    const requests = reservoir(setting.rpm)
    const tokens = reservoir(setting.tpm)
    return {
      submit(job) {
        const weight = reservedTokens(job, setting)
        // Not `chain`, which would charge both with the same weight.
        return requests.schedule(() => tokens.schedule({ weight }, () => sendWithRetries(setting, job)))
      },
      close() {
        void requests.disconnect()
        void tokens.disconnect()
      },
    }
  },
}
