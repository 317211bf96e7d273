import { join } from 'node:path';
import {
  startService,
  waitUntilReady,
  type RunningService,
  type ServiceSpec,
} from '../../../scripts/engines/service.ts';
import type { Talk } from '../../../scripts/engines/talk.ts';
import { onRelease } from './releases.ts';
import type { RunFolder } from './run-folder.ts';

/** Progress of the set-up on stderr, so that a first download is not a silent wait. Tests never ask. */
export const testTalk: Talk = {
  say: (line) => void process.stderr.write(`${line}\n`),
  agree: async () => true,
};

/** An engine that a test may let crash and start again on the same data. */
export interface TestService {
  /** Of the process that was started last. */
  readonly pid: number;
  /** Sends the signal to this engine's process and resolves when it is gone. */
  crash(signal: 'SIGKILL' | 'SIGQUIT' | 'SIGTERM'): Promise<void>;
  /** Starts it again and resolves when it is ready. */
  restart(): Promise<void>;
}

/** Starts an engine for this run, waits until it is ready, and sees to its end. */
export async function startTestService(run: RunFolder, spec: ServiceSpec): Promise<TestService> {
  const logFile = join(run.path, `${spec.name}.log`);
  const start = async (): Promise<RunningService> => {
    const started = await startService(spec, logFile);
    await run.recordService(started.identity);
    return started;
  };
  let running = await start();
  onRelease(() => running.stop());
  await waitUntilReady(spec, running, logFile);
  return {
    get pid() {
      return running.identity.pid;
    },
    crash: async (signal) => {
      process.kill(running.identity.pid, signal);
      await running.exited;
    },
    restart: async () => {
      running = await start();
      await waitUntilReady(spec, running, logFile);
    },
  };
}
