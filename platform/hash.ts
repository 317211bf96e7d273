import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

export function sha256(data: string | Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

/** `sha256:` + hex over the canonical JSON (RFC 8785) of a value, so that equal values have equal hashes. */
export function hashJson(value: unknown): string {
  return `sha256:${sha256(canonicalize(value) ?? 'null').toString('hex')}`;
}
