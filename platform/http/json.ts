const ESCAPES: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** JSON as the contract's clients know it: `<`, `>`, `&` escaped, one newline at the end (contract §2). */
export function encodeJson(value: unknown): string {
  return `${JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (char) => ESCAPES[char] ?? char)}\n`;
}

/** Postgres refuses deep JSON, and so do functions that call themselves. */
const MAX_LEVELS = 64;
const TOO_DEEP = `arrays and objects may be nested ${MAX_LEVELS} levels deep at most`;
const UNSTORABLE_TEXT = 'text must be Unicode without NUL';

/** What keeps a value from being stored, in words for who sent it: text with a NUL or half a surrogate pair, or too many levels. */
export function faultOf(value: unknown, levels = MAX_LEVELS): string | null {
  if (typeof value === 'string') return isStorable(value) ? null : UNSTORABLE_TEXT;
  if (typeof value !== 'object' || value === null) return null;
  if (levels === 0) return TOO_DEEP;
  for (const [key, member] of Object.entries(value)) {
    const fault = isStorable(key) ? faultOf(member, levels - 1) : UNSTORABLE_TEXT;
    if (fault !== null) return fault;
  }
  return null;
}

/** Whether `faultOf` finds anything. */
export function hasUnstorableText(value: unknown): boolean {
  return faultOf(value) !== null;
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}
