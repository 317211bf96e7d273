import { timingSafeEqual } from 'node:crypto';
import { sha256 } from '../../platform/hash.ts';

/** Compares in a time that tells nothing about the secret, not even its length. */
export function secretEquals(given: string, secret: string): boolean {
  return timingSafeEqual(sha256(given), sha256(secret));
}
