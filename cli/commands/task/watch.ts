import { isTerminalTaskStatus, type TaskResult } from '../../../contracts/tasks.ts';
import type { Context } from '../../context.ts';
import { toText } from '../../render/fields.ts';
import { taskStateLines } from '../../render/tasks.ts';
import { endOf, outcomeOf } from './outcome.ts';
import { printResult } from './result.ts';
import { waitForEnd } from './wait.ts';

export interface WatchOptions {
  readonly interval: number;
  readonly clear: boolean;
}

const CLEAR = '\u001b[2J\u001b[H';

/** `task watch`: prints the state whenever it changes, and the result at the end; with JSON only that. */
export async function watch(context: Context, id: string, options: WatchOptions): Promise<number> {
  const { out } = context;
  const clear = options.clear && out.stdoutIsTerminal && out.format === 'table' ? CLEAR : '';
  let shown = '';

  async function show(state: TaskResult): Promise<void> {
    const text = toText(taskStateLines(state));
    if (text === shown || out.format === 'json' || isTerminalTaskStatus(state.status)) return;
    shown = text;
    await out.result(state, () => clear + text);
  }

  const ended = await waitForEnd(context, id, {
    intervalMs: options.interval,
    everyChange: true,
    onState: show,
  });
  await out.data(clear);
  await printResult(out, ended);
  return endOf(out, outcomeOf(ended));
}
