import { CynodeError } from '../../../contracts/errors.ts';
import { TASK_LIMITS } from '../../../contracts/tasks.ts';

/**
 * Bare attachment paths as they are stored: trimmed; blank, overlong and repeated ones are dropped (contract §5.3), and
 * so are those that a file has as its name.
 * @throws CynodeError `validation` when more than the limit are left, files included.
 */
export function cleanAttachments(
  given: readonly string[],
  files: readonly { readonly name: string }[] = [],
): string[] {
  const paths = given
    .map((path) => path.trim())
    .filter((path) => path !== '' && Buffer.byteLength(path) <= TASK_LIMITS.attachmentPathBytes);
  const names = new Set(files.map(({ name }) => name));
  const unique = [...new Set(paths)].filter((path) => !names.has(path));
  if (files.length + unique.length > TASK_LIMITS.attachments) {
    throw new CynodeError('validation', `attachments: at most ${TASK_LIMITS.attachments} can be given`);
  }
  return unique;
}
