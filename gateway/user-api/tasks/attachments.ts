import { CynodeError } from '../../../contracts/errors.ts';
import { TASK_LIMITS } from '../../../contracts/tasks.ts';

/**
 * Attachment paths as they are stored: trimmed; blank, overlong and repeated ones are dropped (contract §5.3).
 * @throws CynodeError `validation` when more than the limit are left.
 */
export function cleanAttachments(given: readonly string[]): string[] {
  const paths = given
    .map((path) => path.trim())
    .filter((path) => path !== '' && Buffer.byteLength(path) <= TASK_LIMITS.attachmentPathBytes);
  const unique = [...new Set(paths)];
  if (unique.length > TASK_LIMITS.attachments) {
    throw new CynodeError('validation', `attachments: at most ${TASK_LIMITS.attachments} can be given`);
  }
  return unique;
}
