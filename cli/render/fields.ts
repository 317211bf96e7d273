export type FieldValue = string | number | boolean | undefined;

/**
 * One line of `key=value` pairs, the table form of contract §17.2. Absent values are left out; a value that is not one
 * plain word is quoted as JSON, so that a line can be taken apart again.
 */
export function fieldLine(fields: Readonly<Record<string, FieldValue>>): string {
  return Object.entries(fields)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${fieldValue(value)}`]))
    .join(' ');
}

/** `lines` each ended by a newline; an empty text when there are none. */
export function toText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** Text of others made safe for a terminal: control characters become spaces. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

const PLAIN_WORD = /^[^\s"'=\p{C}]+$/u;

function fieldValue(value: string | number | boolean): string {
  if (typeof value !== 'string' || PLAIN_WORD.test(value)) return String(value);
  return value === '' ? '' : JSON.stringify(printable(value));
}
