import type { TaskResult } from '../../../contracts/tasks.ts';
import { getResult } from '../../api/tasks.ts';
import type { Context } from '../../context.ts';
import type { Output } from '../../output.ts';
import { taskResultLines } from '../../render/tasks.ts';
import { toText } from '../../render/fields.ts';
import { endOf, outcomeOf } from './outcome.ts';
import { waitForEnd } from './wait.ts';

export interface ResultOptions {
  readonly wait?: true | undefined;
  readonly waitInterval: number;
}

/** `task result` */
export async function result(context: Context, id: string, options: ResultOptions): Promise<number | void> {
  const { out } = context;
  if (options.wait !== true) return printResult(out, await getResult(context, id));
  const ended = await waitForEnd(context, id, { intervalMs: options.waitInterval });
  await printResult(out, ended);
  return endOf(out, outcomeOf(ended));
}

/** The lines of contract §17.2: status, then each job with the JSON it returned. */
export function printResult(out: Output, state: TaskResult): Promise<void> {
  return out.result(outcomeOf(state), () => toText(taskResultLines(state)));
}
