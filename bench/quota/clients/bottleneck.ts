import Bottleneck from 'bottleneck'
import { reservedTokens, type ClientKind } from './client.js'
import { sendWithRetries } from './openai.js'

/** A reservoir of a minute's requests around a reservoir of a minute's tokens. Each is refilled every minute. */
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
        // `chain` would charge both reservoirs with the same weight.
        return requests.schedule(() => tokens.schedule({ weight }, () => sendWithRetries(setting, job)))
      },
      close() {
        void requests.disconnect()
        void tokens.disconnect()
      },
    }
  },
}
