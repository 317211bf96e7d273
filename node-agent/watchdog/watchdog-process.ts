import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { waitAtMost } from '../sandbox/index.ts';
import type { WatchdogSettings } from './settings.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
/** It needs little; bounds keep it small also after months. */
const NODE_FLAGS = [
  '--max-old-space-size=32',
  '--max-semi-space-size=1',
  '--disable-warning=ExperimentalWarning',
];
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
/** One that lived this long is not blamed for how an earlier one died. */
const HEALTHY_MS = 60_000;
const END_MS = 2_000;

/** The watchdog as its agent sees it: started before the first job, and again whenever it dies. */
export class WatchdogProcess implements AsyncDisposable {
  readonly #settings: WatchdogSettings;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #loop: Promise<void> = Promise.resolve();
  restarts = 0;

  constructor(settings: WatchdogSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
  }

  get alive(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  start(): void {
    this.#loop = this.#keepRunning();
  }

  /** Lets go of it; it ends by itself when no lease is left, which may be later than this. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#child?.stdin?.end();
    await waitAtMost(END_MS, this.#loop);
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#stopping;
    let pauseMs = FIRST_PAUSE_MS;
    for (;;) {
      const startedAtMs = performance.now();
      const end = await this.#runOnce();
      if (signal.aborted) return;
      if (performance.now() - startedAtMs >= HEALTHY_MS) pauseMs = FIRST_PAUSE_MS;
      this.restarts += 1;
      this.#logger.warn({ ...end, pauseMs }, 'watchdog ended, starting it again');
      await sleep(pauseMs, signal);
      if (signal.aborted) return;
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }

  async #runOnce(): Promise<object> {
    // In a session of its own and without the agent's environment. Its log goes where the agent's goes, also when the
    // agent is gone; its standard input tells it of the agent's end.
    const child = spawn(process.execPath, [...NODE_FLAGS, MAIN, JSON.stringify(this.#settings)], {
      detached: true,
      env: {},
      cwd: '/',
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    this.#child = child;
    child.stdin.on('error', () => undefined);
    child.unref();
    try {
      this.#logger.info({ watchdogPid: child.pid }, 'watchdog started');
      await once(child, 'exit');
      return { exitCode: child.exitCode, signalCode: child.signalCode };
    } catch (error) {
      return { err: error };
    }
  }
}
