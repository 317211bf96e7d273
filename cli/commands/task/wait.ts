import { isTerminalTaskStatus, TASK_LIMITS, type TaskResult } from '../../../contracts/tasks.ts';
import { getResult } from '../../api/tasks.ts';
import type { Context } from '../../context.ts';
import { InterruptedError } from '../../errors.ts';
import { printable } from '../../render/fields.ts';
import { pause } from '../../retry.ts';

/** A gateway that restarts is waited for; nothing is lost meanwhile. */
const OUTAGE_MS = 120_000;

export interface WaitOptions {
  /** How often to look, where somebody watches or the gateway does not hold the call. */
  readonly intervalMs: number;
  /** Whether every change is wanted, and not only the end. */
  readonly everyChange?: boolean;
  /** Called with every state seen, the last one included. */
  readonly onState?: (state: TaskResult) => Promise<void>;
}

/**
 * Waits until the task has ended, by long polls that the gateway answers at that moment. Shows progress on a terminal.
 * On Ctrl-C throws `InterruptedError`, which says how to go on; the task is not touched.
 */
export async function waitForEnd(context: Context, id: string, options: WaitOptions): Promise<TaskResult> {
  let known = id;
  try {
    for (
      let state = await firstState(context, id, options);
      ;
      state = await nextState(context, known, options)
    ) {
      // The name may belong to another task later on; the id does not.
      known = state.task_id;
      await options.onState?.(state);
      if (isTerminalTaskStatus(state.status)) return state;
      await context.out.progress(progressLine(state));
    }
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    throw new InterruptedError(
      'stopped waiting; the task goes on',
      `Watch it with \`cynork task watch ${known}\`, or end it with \`cynork task cancel ${known}\`.`,
    );
  }
}

/** Where every change is shown the first state is wanted at once; otherwise only the end is. */
async function firstState(context: Context, id: string, options: WaitOptions): Promise<TaskResult> {
  const { everyChange = context.out.showsProgress } = options;
  return everyChange ? getResult(context, id) : nextState(context, id, options);
}

async function nextState(context: Context, id: string, options: WaitOptions): Promise<TaskResult> {
  const { out, io } = context;
  const { intervalMs, everyChange = out.showsProgress } = options;
  const startedAt = performance.now();
  const state = await getResult(context, id, waitSeconds(intervalMs, everyChange), {
    forMs: OUTAGE_MS,
    onRetry: () => out.progress(`task ${id}: the gateway is away, trying again`),
  });
  const restMs = intervalMs - (performance.now() - startedAt);
  if (!isTerminalTaskStatus(state.status) && restMs > 0) await pause(restMs, io.signal);
  return state;
}

function waitSeconds(intervalMs: number, everyChange: boolean): number {
  const { waitMaxSeconds } = TASK_LIMITS;
  return everyChange ? Math.min(Math.ceil(intervalMs / 1000), waitMaxSeconds) : waitMaxSeconds / 2;
}

/** `task <id>: waiting: all 4 slots are busy`, `task <id>: running on node-01, attempt 2`. */
function progressLine(state: TaskResult): string {
  const open = state.jobs.filter(({ status }) => status === 'queued' || status === 'running');
  const running = open.find(({ status }) => status === 'running');
  const reason = open.find(({ waiting_reason }) => waiting_reason !== undefined)?.waiting_reason;
  if (running) {
    const node = running.node === undefined ? '' : ` on ${running.node}`;
    const attempt = (running.attempt ?? 1) > 1 ? `, attempt ${running.attempt}` : '';
    return `task ${state.task_id}: running${node}${attempt}`;
  }
  const why = reason === undefined ? '' : `: ${printable(reason)}`;
  return `task ${state.task_id}: ${reason === undefined ? state.status : 'waiting'}${why}`;
}
