import { InvalidRequest } from '../../errors.js'
import { shown } from '../../limits/limit-values.js'
import { checkNames, checkSignal, wholeNumber } from './arguments.js'
import type { ControlPlaneCalls } from '../http/control-plane-calls.js'
import { type Page, paged } from '../http/paged.js'
import { readPage, readQuota } from './rows.js'
import type { Paged, Quota, QuotaListOptions, QuotasApi } from '../types.js'

/** The table of quotas: the limits that hold for the account and the workspace, by model. */
export class Quotas implements QuotasApi {
  readonly #calls: ControlPlaneCalls
  readonly #path: string

  constructor(calls: ControlPlaneCalls, path: string) {
    this.#calls = calls
    this.#path = path
  }

  /**
   * The rows of all models, of those whose name has `name` in it, or of the one that is exactly `model`.
   *
   * @throws InvalidRequest at once; ModelStudioError while it is iterated
   */
  list(options: QuotaListOptions = {}): Paged<Quota> {
    checkNames('options', options, ['name', 'model', 'pageSize', 'signal'])
    const { name, model, pageSize = 20, signal } = options as QuotaListOptions
    checkSignal(signal)
    wholeNumber('pageSize', pageSize, 1, 100)
    for (const [field, value] of Object.entries({ name, model })) {
      if (value !== undefined && typeof value !== 'string') {
        throw new InvalidRequest(`${field} is ${shown(value)}: give a text`)
      }
    }
    // A model may have a row for each workspace.
    const idOf = ({ model, workspaceId }: Quota): string => JSON.stringify([model, workspaceId])
    return paged('quotas', pageSize, idOf, (pageNo) => {
      const query = { name, model, page_no: pageNo, page_size: pageSize }
      const read = (output: Readonly<Record<string, unknown>>): Page<Quota> => readPage(output, 'quotas', readQuota)
      return this.#calls.send({ method: 'GET', path: this.#path, query, signal, read })
    })
  }
}
