import { z } from 'zod';
import { API_TASK_STATUSES, TASK_LIMITS, toStoredTaskStatus } from '../../../contracts/tasks.ts';
import type { TaskList } from '../../../contracts/tasks.ts';
import type { Database } from '../../../schema/database.ts';
import { listTasks } from '../../../schema/tasks/queries.ts';
import { cursorSchema, formatCursor } from './list-cursor.ts';
import { viewTasks } from './views.ts';

const blankAsAbsent = (value: unknown): unknown => (value === '' ? undefined : value);
const MAX_OFFSET = 999_999_999;

/** Query of `GET /v1/tasks`; the cursor wins over the offset, blank is absent. */
export const listTasksQuerySchema = z.object({
  limit: z
    .preprocess(
      blankAsAbsent,
      z.coerce.number().int().min(1).max(TASK_LIMITS.listMax).default(TASK_LIMITS.listDefault),
    )
    .meta({ description: 'Most tasks of a page.' }),
  offset: z
    .preprocess(blankAsAbsent, z.coerce.number().int().min(0).max(MAX_OFFSET).default(0))
    .meta({ description: 'How many tasks to leave out; pages shift when tasks come.' }),
  cursor: z
    .preprocess(blankAsAbsent, cursorSchema.optional())
    .meta({ description: 'The next_cursor of the page before; wins over the offset.' }),
  status: z
    .preprocess(blankAsAbsent, z.enum(API_TASK_STATUSES).optional())
    .meta({ description: 'Only tasks of this status.' }),
});

/** A page of the user's tasks; one row more than asked for tells whether there is another page. */
export async function listTaskPage(
  db: Database,
  userId: string,
  query: z.infer<typeof listTasksQuerySchema>,
): Promise<TaskList> {
  const start = query.cursor ?? { offset: query.offset, after: null };
  const rows = await listTasks(db, {
    userId,
    status: query.status === undefined ? null : toStoredTaskStatus(query.status),
    limit: query.limit + 1,
    start: start.after === null ? { offset: start.offset } : { after: start.after },
  });
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  const tasks = await viewTasks(db, page);
  if (last === undefined || rows.length <= query.limit) return { tasks, next_cursor: '' };
  const nextOffset = start.offset + page.length;
  return {
    tasks,
    next_offset: nextOffset,
    next_cursor: formatCursor({ createdUs: last.created_us, id: last.id }, nextOffset),
  };
}
