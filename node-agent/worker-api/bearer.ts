import { timingSafeEqual } from 'node:crypto';
import { sha256 } from '../../platform/hash.ts';

/** Whether a header is exactly `Bearer <token>`: exact case, exactly one space (contract §4). No token, no access. */
export function isBearer(header: string | undefined, token: string | undefined): boolean {
  if (header === undefined || token === undefined || token === '') return false;
  return timingSafeEqual(sha256(header), sha256(`Bearer ${token}`));
}
