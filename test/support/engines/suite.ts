import { publishTestSetting } from './environment.ts';
import { onRelease, releaseAll } from './releases.ts';
import { openRunFolder, type RunFolder } from './run-folder.ts';

type EngineStart = (run: RunFolder) => Promise<void>;

/** Engines that need not wait for each other. */
export function together(...starts: EngineStart[]): EngineStart {
  return async (run) => {
    const ends = await Promise.allSettled(starts.map((start) => start(run)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  };
}

/**
 * Global set-up of a suite: a folder of its own and these engines. A missing engine fails the suite, and what had been
 * started until then is ended, because Jest runs no tear-down after a failed set-up.
 */
export function suiteSetup(suite: string, engines: EngineStart[]): () => Promise<void> {
  return async () => {
    try {
      const run = await openRunFolder();
      onRelease(() => run.remove());
      publishTestSetting('stateFolder', run.path);
      for (const start of engines) await start(run);
    } catch (error) {
      await releaseAll();
      throw new Error(`The engines of the ${suite} tests could not be had: ${String(error)}`, {
        cause: error,
      });
    }
  };
}
