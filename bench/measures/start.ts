import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { findFreePort } from '../../scripts/engines/ports.ts';
import { onRelease } from '../../test/support/engines/releases.ts';
import { timed } from '../interleave.ts';
import { single, type Row } from '../report/result.ts';
import type { BenchContext } from './context.ts';

const STARTS = 3;
const DEV = join(import.meta.dirname, '..', '..', 'dev');
const PORTS = [
  'USER_API',
  'CONTROL_PLANE',
  'ORCHESTRATOR_WORKER',
  'WORKER_API',
  'TEMPORAL',
  'TEMPORAL_UI',
  'POSTGRES',
];

/** `./dev up` of a stack that was there before: engines down, downloads and builds in their caches. */
export async function measureStart({ say }: BenchContext): Promise<readonly Row[]> {
  const state = await mkdtemp(join(tmpdir(), 'cynodeai-bench-start-'));
  const env: Record<string, string> = { CYNODEAI_STATE_DIR: state };
  for (const port of PORTS) env[`CYNODEAI_PORT_${port}`] = String(await findFreePort());
  const dev = (...args: readonly string[]) => execa(DEV, args, { env, timeout: 300_000 });
  onRelease(async () => {
    await dev('reset', '--yes');
    await rm(state, { recursive: true, force: true });
  });
  say('start: first start');
  await dev('up', '--yes');
  const detached: number[] = [];
  const withTask: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    await dev('down');
    detached.push(await timed(() => dev('up', '--detach', '--yes')));
    await dev('down');
    withTask.push(await timed(() => dev('up', '--yes')));
  }
  const head = { section: 'start', unit: 'ms' } as const;
  return [
    single({ ...head, what: 'second start, ./dev up --detach' }, './dev up --detach', detached),
    single({ ...head, what: 'second start, ./dev up with its first task' }, './dev up', withTask),
  ];
}
