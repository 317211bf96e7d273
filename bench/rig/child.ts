import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, identifyProcess } from '../../scripts/engines/processes.ts';
import { onRelease } from '../../test/support/engines/releases.ts';
import type { RunFolder } from '../../test/support/engines/run-folder.ts';
import type { Watched } from '../processes.ts';

/** Starts a program of the benchmark that runs until it is released. */
export async function startChild(
  run: RunFolder,
  name: string,
  program: string,
  args: readonly string[],
): Promise<Watched> {
  const log = openSync(join(run.path, `${name}.log`), 'a');
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', program), ...args], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', log, log],
  });
  const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid);
  if (identity === undefined) throw new Error(`${name} ended at once`);
  await run.recordService(identity);
  onRelease(() => endProcess(identity));
  return { name, pid: identity.pid };
}
