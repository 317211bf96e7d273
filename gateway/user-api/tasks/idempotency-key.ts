import { z } from 'zod';
import { CynodeError } from '../../../contracts/errors.ts';
import { TASK_LIMITS } from '../../../contracts/tasks.ts';

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Headers of `POST /v1/tasks`; the key is checked by `parseIdempotencyKey`. */
export const createTaskHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .optional()
    .meta({
      description: `1 to ${TASK_LIMITS.idempotencyKeyLength} visible ASCII characters. The same key and body: the same task.`,
    }),
});

/** The `Idempotency-Key` header; null without one. @throws CynodeError `validation` */
export function parseIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  const key = Array.isArray(header) ? header.join(' ') : header;
  if (!VISIBLE_ASCII.test(key) || key.length > TASK_LIMITS.idempotencyKeyLength) {
    throw new CynodeError(
      'validation',
      `Idempotency-Key: must be 1 to ${TASK_LIMITS.idempotencyKeyLength} visible ASCII characters`,
    );
  }
  return key;
}
