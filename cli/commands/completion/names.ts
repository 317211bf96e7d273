import { listNodes } from '../../api/nodes.ts';
import { listSettings } from '../../api/settings.ts';
import { listTasks } from '../../api/tasks.ts';
import type { NameKind } from '../../completion/tree.ts';
import type { Context } from '../../context.ts';
import { printable, toText } from '../../render/fields.ts';

const NEWEST = 50;

/** One page: somebody waits for the shell. */
export async function printNames(context: Context, kind: NameKind): Promise<void> {
  await context.out.data(toText((await namesOf(context, kind)).map(printable)));
}

async function namesOf(context: Context, kind: NameKind): Promise<readonly string[]> {
  switch (kind) {
    case 'nodes':
      return (await listNodes(context, {})).nodes.map(({ node_slug }) => node_slug);
    case 'settings':
      return (await listSettings(context)).settings.map(({ key }) => key);
    case 'tasks': {
      const { tasks } = await listTasks(context, { limit: NEWEST });
      return tasks.map(({ task_id, task_name }) => task_name ?? task_id);
    }
  }
}
