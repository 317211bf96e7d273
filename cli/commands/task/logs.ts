import type { TaskLogs } from '../../../contracts/tasks.ts';
import { getLogs } from '../../api/tasks.ts';
import type { Context } from '../../context.ts';
import { waitForEnd } from './wait.ts';

export interface LogsOptions {
  readonly stream: string;
  readonly follow?: true | undefined;
  readonly interval: number;
}

/** `task logs`: the task's stdout to stdout and its stderr to stderr, once or until it has ended. */
export async function logs(context: Context, id: string, options: LogsOptions): Promise<void> {
  const { out } = context;
  if (options.follow === true && out.format === 'table') return followLogs(context, id, options);
  const ended =
    options.follow === true ? await waitForEnd(context, id, { intervalMs: options.interval }) : undefined;
  const reply = await getLogs(context, ended?.task_id ?? id, options.stream);
  if (out.format === 'json') return out.result(reply, () => '');
  await out.data(reply.stdout);
  await out.errorData(reply.stderr);
}

async function followLogs(context: Context, id: string, options: LogsOptions): Promise<void> {
  const { out } = context;
  let printed: Pick<TaskLogs, 'stdout' | 'stderr'> = { stdout: '', stderr: '' };
  await waitForEnd(context, id, {
    intervalMs: options.interval,
    everyChange: true,
    onState: async ({ task_id }) => {
      const reply = await getLogs(context, task_id, options.stream);
      await out.data(newPart(printed.stdout, reply.stdout));
      await out.errorData(newPart(printed.stderr, reply.stderr));
      printed = reply;
    },
  });
}

/** What came since; all of it when the text began anew, as when a job is run again elsewhere. */
function newPart(before: string, now: string): string {
  return now.startsWith(before) ? now.slice(before.length) : now;
}
