import { hkdfSync } from 'node:crypto';

/** A 32-byte key for one purpose, derived from the master secret by HKDF-SHA256, so that no two purposes share a key. */
export function deriveKey(masterSecret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', masterSecret, 'cynodeai', purpose, 32));
}
