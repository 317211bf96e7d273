import { z } from 'zod';
import { TASK_LIMITS } from '../../../contracts/tasks.ts';

const blankAsAbsent = (value: unknown): unknown => (value === '' ? undefined : value);
const CURSOR_MAX_LENGTH = 256;

/** Query of a list in order of a name; the cursor is the last name of the page before. */
export const pageQuerySchema = z.object({
  limit: z
    .preprocess(
      blankAsAbsent,
      z.coerce.number().int().min(1).max(TASK_LIMITS.listMax).default(TASK_LIMITS.listDefault),
    )
    .meta({ description: 'Most entries of a page.' }),
  cursor: z
    .string()
    .max(CURSOR_MAX_LENGTH)
    .default('')
    .meta({ description: 'The next_cursor of the page before.' }),
});
export type PageQuery = z.infer<typeof pageQuerySchema>;

/** Cuts off the one row that was read beyond the page; `next_cursor` is empty on the last page. */
export function cutPage<T>(
  rows: readonly T[],
  limit: number,
  nameOf: (row: T) => string,
): { readonly page: readonly T[]; readonly nextCursor: string } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { page, nextCursor: rows.length > limit && last !== undefined ? nameOf(last) : '' };
}
