import { describe } from 'vitest'
import { admissionContract } from './contract/admission-contract.js'
import { controlContract } from './contract/control-contract.js'
import { type ContractOptions, Gates, type MakeGate } from './contract/made-gate.js'
import { reservationsContract } from './contract/reservations-contract.js'
import { traceContract } from './contract/trace-contract.js'

export type { ContractOptions, GateSpec, MadeGate, MakeGate } from './contract/made-gate.js'

/**
 * The tests that every gate passes. `makeGate` makes one that behaves as if `limits` alone bound it, and that has been idle for
 * as long as the spec says.
 */
export function gateContract(name: string, makeGate: MakeGate, options: ContractOptions): void {
  const gates = new Gates(makeGate)
  describe(`${name} keeps the contract of a gate`, () => {
    admissionContract(gates)
    reservationsContract(gates)
    controlContract(gates, options)
    traceContract(makeGate, options)
  })
}
