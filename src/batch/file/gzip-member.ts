import { promisify } from 'node:util'
import { gunzipSync, gzip } from 'node:zlib'

/**
 * A gzip file may be several one after the other, so that one can be appended to. Each of ours says in a field of its header
 * (RFC 1952, 2.3.1.1) how long it is, so that what a kill left of the last one is found without inflating all of them.
 */
const FIELD = Buffer.from('HG')
/** 10 fixed bytes, 2 for the length of the fields, 4 for the field's name and length, 4 for its value. */
export const MEMBER_HEADER_BYTES = 20
const PLAIN_HEADER_BYTES = 10
const HAS_FIELDS = 4
const compress = promisify(gzip)

/** `data` as one member. */
export async function memberOf(data: Buffer): Promise<Buffer> {
  const plain = await compress(data)
  const member = Buffer.alloc(plain.length + MEMBER_HEADER_BYTES - PLAIN_HEADER_BYTES)
  plain.copy(member, 0, 0, PLAIN_HEADER_BYTES)
  member[3] = HAS_FIELDS
  member.writeUInt16LE(8, 10)
  FIELD.copy(member, 12)
  member.writeUInt16LE(4, 14)
  member.writeUInt32LE(member.length, 16)
  plain.copy(member, MEMBER_HEADER_BYTES, PLAIN_HEADER_BYTES)
  return member
}

/** How long the member with this header is; undefined if it is none of ours. */
export function memberLength(header: Buffer): number | undefined {
  const isOurs = header[0] === 0x1f && header[1] === 0x8b && header[3] === HAS_FIELDS
  if (!isOurs || !header.subarray(12, 14).equals(FIELD)) return undefined
  const length = header.readUInt32LE(16)
  return length > MEMBER_HEADER_BYTES ? length : undefined
}

/** What a member holds; undefined if it is damaged. */
export function contentOf(member: Buffer): Buffer | undefined {
  try {
    return gunzipSync(member)
  } catch {
    return undefined
  }
}
