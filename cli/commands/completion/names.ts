import { listNodes } from '../../api/nodes.ts';
import { listTasks } from '../../api/tasks.ts';
import type { Context } from '../../context.ts';
import { printable, toText } from '../../render/fields.ts';

const NEWEST = 50;

/** One page: somebody waits for the shell. */
export async function printNames(context: Context, kind: 'tasks' | 'nodes'): Promise<void> {
  await context.out.data(toText((await namesOf(context, kind)).map(printable)));
}

async function namesOf(context: Context, kind: 'tasks' | 'nodes'): Promise<readonly string[]> {
  if (kind === 'nodes') return (await listNodes(context, {})).nodes.map(({ node_slug }) => node_slug);
  return (await listTasks(context, { limit: NEWEST })).tasks.map(
    ({ task_id, task_name }) => task_name ?? task_id,
  );
}
