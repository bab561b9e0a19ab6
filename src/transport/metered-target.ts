import type { Route } from '../types.js'

const ROUTES: Readonly<Record<string, Route>> = {
  'chat/completions': 'chat',
  completions: 'completions',
  embeddings: 'embeddings',
  responses: 'responses',
}
const METERED_PATH = /\/(chat\/completions|completions|embeddings|responses)\/?$/
const AZURE_DEPLOYMENT = /(\/deployments\/)([^/]+)(\/)/

/** The endpoint that a metered request goes to. */
export interface MeteredTarget {
  readonly url: URL
  readonly route: Route
  /** The deployment in an Azure URL; empty in any other. */
  readonly deployment: string
}

/** Reads the URL of a POST; undefined if calls to it are not metered. */
export function meteredTarget(text: string): MeteredTarget | undefined {
  const url = parseUrl(text)
  const path = url && METERED_PATH.exec(url.pathname)?.[1]
  if (!url || !path) return undefined
  return { url, route: ROUTES[path]!, deployment: deploymentOf(url) }
}

/** The address of another deployment; the same one where the URL names none. */
export function withDeployment(url: URL, deployment: string): string {
  const rewritten = new URL(url)
  rewritten.pathname = url.pathname.replace(
    AZURE_DEPLOYMENT,
    (_, before: string, __, after: string) => before + encodeURIComponent(deployment) + after,
  )
  return rewritten.href
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text, globalThis.location?.href)
  } catch {
    return undefined
  }
}

function deploymentOf(url: URL): string {
  const name = AZURE_DEPLOYMENT.exec(url.pathname)?.[2] ?? ''
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
