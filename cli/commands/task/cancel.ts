import { cancelTask } from '../../api/tasks.ts';
import type { Context } from '../../context.ts';
import { usageError } from '../../errors.ts';
import { withPrompter } from '../../prompt.ts';
import { fieldLine } from '../../render/fields.ts';

/** `task cancel`: asks unless told not to; any answer but yes leaves the task alone. */
export async function cancel(context: Context, id: string, confirmed: boolean): Promise<void> {
  const { out } = context;
  if (!confirmed && !(await asksToCancel(context, id))) return out.talk('Not canceled.');
  const { task_id, canceled } = await cancelTask(context, id);
  await out.result({ task_id, canceled }, () => `${fieldLine({ task_id, canceled })}\n`);
}

async function asksToCancel({ io }: Context, id: string): Promise<boolean> {
  const answer = await withPrompter(io, (prompter) => prompter.ask(`Cancel task ${id}? [y/N] `));
  if (answer === undefined) throw usageError('nobody answers', 'Use --yes to cancel without being asked.');
  return /^y(es)?$/i.test(answer.trim());
}
