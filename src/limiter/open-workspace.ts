import type { Clock } from '../clock.js'
import type { ResolvedLimits } from '../limits/resolve-limits.js'
import type { LiveLimits } from '../limits/sources/live-limits.js'
import { WorkspaceLimits } from '../limits/sources/workspace-limits.js'
import type { Warn } from '../limits/sources/limits-host.js'
import type { Events } from '../metrics/events.js'
import type { Account } from '../models/account.js'
import type { Workspace } from '../models/workspace.js'
import type { Limits, LimitsSource, LimitsTable } from '../types.js'

/** The limits of a workspace or of the account. */
export interface LimitsInForce {
  resolve(model: string, perSecondDefault: boolean): { readonly limits: ResolvedLimits }
  set(model: string, limits: Limits, until?: number): void
  readonly wantsRefusals: boolean
  refused(model: string, kind: 'requests' | 'tokens'): void
  close(): void
}

/** A workspace or the account, with its limits. */
export interface OpenWorkspace {
  readonly workspace: Workspace
  readonly limits: LimitsInForce
  /** Ends the subscription to the source of limits. Called once, when nothing runs any more. */
  end(): void
}

/**
 * Starts to use `limits` for the account.
 *
 * @throws InvalidLimits for a source that throws
 */
export function openAccount(account: Account, limits: LiveLimits, onChange: () => void): OpenWorkspace {
  const workspace = account.main
  started(workspace.events, (warn) => limits.start({ onChange, warn }))
  return opened(workspace, limits)
}

export interface InnerWorkspaceOptions {
  readonly name: string
  readonly limits: LimitsTable | LimitsSource
  readonly perSecond: boolean | undefined
  readonly perSecondDefault: boolean
  readonly clock: Clock
}

/**
 * Creates a workspace inside the account, whose limits are `accountLimits`.
 *
 * @throws InvalidLimits for a limit above the account's; InvalidRequest for a name in use
 */
export function openWorkspace(
  account: Account,
  accountLimits: LiveLimits,
  options: InnerWorkspaceOptions,
): OpenWorkspace {
  const limits = new WorkspaceLimits({
    ...options,
    account(model, perSecondDefault) {
      const resolved = accountLimits.resolve(model, perSecondDefault)
      const inForce = account.main.models.find(model)?.configuredLimits ?? resolved.limits
      return { ...resolved, limits: inForce, source: inForce.source }
    },
  })
  const workspace = account.add(options.name, (model, { perSecond }) => limits.resolve(model, perSecond))
  const onChange = (fault: unknown): void => {
    if (fault !== undefined) warningsTo(workspace.events)(String(fault), fault)
    workspace.models.refresh()
  }
  try {
    started(workspace.events, (warn) => limits.start({ onChange, warn }))
  } catch (error) {
    account.forget(workspace)
    throw error
  }
  return opened(workspace, limits, () => account.forget(workspace))
}

function opened(workspace: Workspace, limits: LimitsInForce, forget?: () => void): OpenWorkspace {
  const { events } = workspace
  const stopTelling = forwardRefusals(events, limits)
  return {
    workspace,
    limits,
    end() {
      stopTelling()
      forget?.()
      try {
        limits.close()
      } catch (cause) {
        // The user's own code ends the subscription, and may throw.
        warningsTo(events)(`The source of limits threw when its subscription ended: ${String(cause)}`, cause)
      }
    },
  }
}

/** Calls `start`. The source's warnings during the call come a microtask later, so that the caller can add a listener first. */
function started(events: Events, start: (warn: Warn) => void): void {
  const warn = warningsTo(events)
  let isStarting = true
  start((message, cause) => {
    if (isStarting) queueMicrotask(() => warn(message, cause))
    else warn(message, cause)
  })
  isStarting = false
}

function warningsTo(events: Events): Warn {
  return (message, cause) => events.emit('warning', { message, ...(cause !== undefined && { cause }) })
}

/**
 * Reports refusals to a source that observes them, and returns a function that stops it. The account's source also receives
 * refusals of workspaces.
 */
function forwardRefusals(events: Events, limits: LimitsInForce): () => void {
  if (!limits.wantsRefusals) return () => {}
  return events.on('throttled', ({ model, class: kind }) => {
    if (kind === 'requests' || kind === 'tokens') limits.refused(model, kind)
  })
}
