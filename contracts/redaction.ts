/** What stands where a secret stood (contract §6.3). */
export const REDACTED = 'SECRET_REDACTED';

/** All that is looked for counts as one kind (contract §6.3). */
export const REDACTION_KIND = 'api_key';

/** A word for a secret, as a member of JSON (also inside of a string) or as it is stressed in Markdown, with `:`, `=` or `=>`. */
const NAME = /(?:api[_-]?key|secret|password|token|bearer)(?:[*_\\]*["'`])?[*_]*\s*[:=]+>?[*_]*\s*/;

/**
 * Up to the quote that closes, which has as many backslashes as the one that opens, or to the end of the text when none does;
 * without quotes up to the next blank.
 */
const VALUE = /(?:(\\*)(["'`])[^]*?(?:(?<!\\)\1\2|$)|[^\s"'`]\S*)/;

const NAMED = new RegExp(`(?:${NAME.source})+(?:bearer\\s+)?${VALUE.source}`, 'gi');
const AUTHORIZATION = /\bbearer\s+[\w.~+/-]{20,}=*/gi;
const KEY = /sk-[\w-]{20,}/g;

export interface Redacted {
  readonly text: string;
  /** Whether anything was taken out. */
  readonly applied: boolean;
}

/** Takes secrets out of a text, before it is stored or shown to a model. Doing it twice changes nothing more. */
export function redactSecrets(text: string): Redacted {
  const redacted = text
    .replace(NAMED, REDACTED)
    .replace(AUTHORIZATION, REDACTED)
    .replace(KEY, (key, offset: number, whole: string) => (isProse(key, whole[offset - 1]) ? key : REDACTED));
  return { text: redacted, applied: redacted !== text };
}

/** `task-oriented-and-so-on` looks like a key from its third letter on. */
function isProse(key: string, before = ''): boolean {
  return /[a-z]/i.test(before) && !/[A-Z0-9_]/.test(key);
}
