import { sleep } from '../../platform/clock.ts';
import { inParallel, interleave, timesOf, type Measured, type Side } from '../interleave.ts';
import { compared, type Row, type Target } from '../report/result.ts';
import type { BenchUser } from '../rig/user.ts';
import type { BenchContext } from './context.ts';
import { dockerRun } from './docker-run.ts';

const SCRIPT = 'echo hello';
const TASKS_A_ROUND = 4;
const TOGETHER = 50;
/** What a node of a two-core machine has when nothing is said. */
const SLOTS = 8;
const POOL = 8;
const TOGETHER_ROUNDS = 2;
/** Taken containers are replaced meanwhile. */
const SETTLE_MS = 3_000;
/** A finished container is removed meanwhile. */
const PAUSE_MS = 500;

const COLD: Target = { is: 'at most', target: 1 };
const WARM: Target = { is: 'at most', target: 0.4, aim: 0.35 };

/** `docker run --rm` beside our task, with and without prepared containers. */
export async function measureDocker({ rig, rounds, say }: BenchContext): Promise<readonly Row[]> {
  const users = [(await rig.containers(0, SLOTS)).user, (await rig.containers(POOL, SLOTS)).user];
  const oneByOne = await interleave(
    Math.max(3, Math.ceil(rounds / 2)),
    sidesOf(users, async (work) => {
      await sleep(SETTLE_MS);
      return timesOf(TASKS_A_ROUND, work, PAUSE_MS);
    }),
  );
  say('docker: fifty at once');
  const together = await interleave(
    TOGETHER_ROUNDS,
    sidesOf(users, async (work) => [await inParallel(TOGETHER, TOGETHER, work)]),
  );
  return [
    ...rowsOf(`container, one at a time, ${String(PAUSE_MS)} ms apart`, oneByOne, { cold: COLD, warm: WARM }),
    ...rowsOf(`${String(TOGETHER)} containers at once, until the last one's result`, together, {}),
  ];
}

type Sample = (work: () => Promise<unknown>) => Promise<readonly number[]>;

function sidesOf(users: readonly BenchUser[], sample: Sample): readonly Side[] {
  const names = ['our task, cold', 'our task, warm pool'];
  return [
    ...users.map((user, index) => ({
      name: names[index] ?? '',
      sample: () => sample(() => user.runTask(SCRIPT)),
    })),
    { name: 'docker run --rm', sample: () => sample(() => dockerRun(SCRIPT)) },
  ];
}

function rowsOf(
  what: string,
  [cold, warm, other]: readonly Measured[],
  targets: { readonly cold?: Target; readonly warm?: Target },
): readonly Row[] {
  if (cold === undefined || warm === undefined || other === undefined) return [];
  const head = { section: 'docker', what, unit: 'ms' } as const;
  return [compared(head, cold, other, targets.cold), compared(head, warm, other, targets.warm)];
}
