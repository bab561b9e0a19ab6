import { InvalidRequest } from '../../errors.js'
import { shown } from '../../limits/limit-values.js'
import type { Region } from '../types.js'

const HOSTS: Readonly<Record<Region, string>> = {
  singapore: 'dashscope-intl.aliyuncs.com',
  beijing: 'dashscope.aliyuncs.com',
  virginia: 'dashscope-us.aliyuncs.com',
}
const PATH = '/api/v1'

/** The regions whose host is known. */
export const regions = Object.keys(HOSTS) as readonly Region[]

/**
 * Where the API is, without a slash at the end.
 *
 * @throws InvalidRequest
 */
export function baseOf(baseURL: unknown, region: unknown): string {
  if (baseURL === undefined) return `https://${hostOf(region ?? 'singapore')}${PATH}`
  if (region !== undefined) throw new InvalidRequest('baseURL and region are both given: give one of them')
  const url = urlOf(baseURL)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new InvalidRequest(`baseURL begins with ${url.protocol}: give an address that begins with https:`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidRequest('baseURL has a name or a password in it: give it without, and the key as apiKey')
  }
  if (url.search !== '' || url.hash !== '')
    throw new InvalidRequest("baseURL has a '?' or a '#' in it: give it without")
  return url.origin + pathOf(url.pathname.replace(/\/+$/, ''))
}

function hostOf(region: unknown): string {
  if (typeof region === 'string' && Object.hasOwn(HOSTS, region)) return HOSTS[region as Region]
  throw new InvalidRequest(
    `region is ${shown(region)}: there are ${regions.join(', ')}; where another is, give its address as baseURL`,
  )
}

function urlOf(baseURL: unknown): URL {
  if (typeof baseURL !== 'string' && !(baseURL instanceof URL)) {
    throw new InvalidRequest(`baseURL is ${shown(baseURL)}: give the address of the API`)
  }
  try {
    return new URL(baseURL)
  } catch {
    throw new InvalidRequest(`baseURL is no address: give one like https://${HOSTS.singapore}${PATH}`)
  }
}

function pathOf(path: string): string {
  if (path === '') return PATH
  if (path.endsWith(PATH)) return path
  const compatible = /\/compatible-mode\/v1$/
  if (compatible.test(path)) return path.replace(compatible, PATH)
  throw new InvalidRequest(`baseURL has the path ${shown(path)}: it must end in ${PATH}`)
}
