import type { Deployment, PtuCapacity } from '../../model-studio/index.js'
import { cell, columns } from '../terminal/columns.js'
import type { Terminal } from '../terminal/terminal.js'

const HEADINGS = ['DEPLOYMENT', 'STATUS', 'PLAN', 'SIZE', 'READY', 'RPM', 'TPM', 'MODEL']

export function deploymentsTable(deployments: readonly Deployment[]): string {
  if (deployments.length === 0) return 'There are no deployments.\n'
  const rows = deployments.map((one) => [
    cell(one.deployedModel),
    cell(one.status),
    cell(one.plan),
    sizeOf(one),
    cell(one.readyCapacity),
    cell(one.rpmLimit),
    cell(one.tpmLimit),
    cell(one.modelName),
  ])
  return columns([HEADINGS, ...rows], [3, 4, 5, 6])
}

/** Prints one deployment: all its fields, a line each, or one line of JSON. */
export function printDeployment(terminal: Terminal, deployment: Deployment, { json }: { readonly json?: true }): void {
  if (json === true) return terminal.out(`${JSON.stringify(deployment)}\n`)
  const fields = Object.entries(deployment).map(([name, value]) => [name, cell(value)] as const)
  const width = Math.max(...fields.map(([name]) => name.length))
  terminal.out(fields.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join(''))
}

/** Units, or the throughput that was bought. */
export function sizeOf({
  capacity,
  ptuCapacity,
}: {
  readonly capacity?: number | undefined
  readonly ptuCapacity?: Partial<PtuCapacity> | undefined
}): string {
  if (ptuCapacity === undefined) return cell(capacity)
  const { inputTpm, outputTpm, thinkingOutputTpm } = ptuCapacity
  const thinking = thinkingOutputTpm === undefined ? '' : ` + ${cell(thinkingOutputTpm)} thinking`
  return `${cell(inputTpm)} in, ${cell(outputTpm)} out${thinking}`
}
