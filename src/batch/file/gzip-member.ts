import { promisify } from 'node:util'
import { gunzipSync, gzip } from 'node:zlib'

/**
 * The header field (RFC 1952, 2.3.1.1) that holds a member's length. A gzip file may consist of several members, so a run can
 * append to it. With the lengths, a resumed run finds an incomplete last member without inflating the others.
 */
const FIELD = Buffer.from('HG')
/** Header length in bytes: 10 fixed, 2 for the length of the fields, 4 for the field's name and length, 4 for its value. */
export const MEMBER_HEADER_BYTES = 20
const PLAIN_HEADER_BYTES = 10
const HAS_FIELDS = 4
const compress = promisify(gzip)

/** Returns `data` as one gzip member. */
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

/** Returns the length of the member with this header, in bytes, or undefined if no run wrote it. */
export function memberLength(header: Buffer): number | undefined {
  const isOurs = header[0] === 0x1f && header[1] === 0x8b && header[3] === HAS_FIELDS
  if (!isOurs || !header.subarray(12, 14).equals(FIELD)) return undefined
  const length = header.readUInt32LE(16)
  return length > MEMBER_HEADER_BYTES ? length : undefined
}

/** Returns the content of a member, or undefined if the member is damaged. */
export function contentOf(member: Buffer): Buffer | undefined {
  try {
    return gunzipSync(member)
  } catch {
    return undefined
  }
}
