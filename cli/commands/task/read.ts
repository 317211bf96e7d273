import { getTask, listTasks, type TaskQuery } from '../../api/tasks.ts';
import type { Context } from '../../context.ts';
import { toText } from '../../render/fields.ts';
import { withoutEmptyCursor } from '../../render/page.ts';
import { taskLine } from '../../render/tasks.ts';

/** `task list` */
export async function list(context: Context, query: TaskQuery): Promise<void> {
  const { out } = context;
  const page = withoutEmptyCursor(await listTasks(context, query));
  await out.result(page, () => toText(page.tasks.map(taskLine)));
  if (out.format === 'json') return;
  if (page.tasks.length === 0) await out.talk('No tasks.');
  if (page.next_cursor !== undefined) await out.talk(`More with --cursor ${page.next_cursor}`);
}

/** `task get` */
export async function get(context: Context, id: string): Promise<void> {
  const task = await getTask(context, id);
  await context.out.result(task, () => `${taskLine(task)}\n`);
}
