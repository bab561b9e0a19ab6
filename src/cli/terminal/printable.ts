/** What a service wrote, without characters that break a line or move the cursor. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, ' ')
}
