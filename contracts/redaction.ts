/** What stands where a secret stood (contract §6.3). */
export const REDACTED = 'SECRET_REDACTED';

/** All that is looked for counts as one kind (contract §6.3). */
export const REDACTION_KIND = 'api_key';

/** `sk-` keys, and a word for a secret followed by `:` or `=` and a value, which may be quoted as in JSON. */
const SECRETS = [
  /\bsk-[A-Za-z0-9_-]{20,}/g,
  /(?:api[_-]?key|secret|password|token|bearer)["']?\s*[:=]\s*(?:"[^"\n]*"|'[^'\n]*'|[^\s"']\S*)/gi,
];

export interface Redacted {
  readonly text: string;
  /** Whether anything was taken out. */
  readonly applied: boolean;
}

/** Takes secrets out of a text, before it is stored or shown to a model. Doing it twice changes nothing more. */
export function redactSecrets(text: string): Redacted {
  const redacted = SECRETS.reduce((rest, pattern) => rest.replace(pattern, REDACTED), text);
  return { text: redacted, applied: redacted !== text };
}
