import { join } from 'node:path';
import { startService, waitUntilReady, type ServiceSpec } from '../../../scripts/engines/service.ts';
import type { Talk } from '../../../scripts/engines/talk.ts';
import { onRelease } from './releases.ts';
import type { RunFolder } from './run-folder.ts';

/** Progress of the set-up on stderr, so that a first download is not a silent wait. Tests never ask. */
export const testTalk: Talk = {
  say: (line) => void process.stderr.write(`${line}\n`),
  agree: async () => true,
};

/** Starts an engine for this run, waits until it is ready, and sees to its end. */
export async function startTestService(run: RunFolder, spec: ServiceSpec): Promise<void> {
  const logFile = join(run.path, `${spec.name}.log`);
  const running = await startService(spec, logFile);
  onRelease(() => running.stop());
  await run.recordService(running.identity);
  await waitUntilReady(spec, running, logFile);
}
