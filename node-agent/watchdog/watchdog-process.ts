import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { waitAtMost } from '../sandbox/index.ts';
import { Silence } from './silence.ts';
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
const TICK_MS = 250;
/** One that looks says so twice a second. */
const SILENT_MS = 6_000;
/** Until it looks for the first time, on a busy host. */
const START_MS = 10_000;

/** The watchdog as its agent sees it: started before the first job, and again whenever it dies or hangs. */
export class WatchdogProcess implements AsyncDisposable {
  readonly #settings: WatchdogSettings;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #child: ChildProcess | undefined;
  #silence: Silence | undefined;
  #loop: Promise<void> = Promise.resolve();
  restarts = 0;

  constructor(settings: WatchdogSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
  }

  /** Whether it runs, and looks or has just been started. */
  get alive(): boolean {
    return this.#child !== undefined && (this.#silence?.ms ?? 0) < SILENT_MS;
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

  /** Until it has ended, or could not be started. Never rejects. */
  async #runOnce(): Promise<object> {
    try {
      // In a session of its own and without the agent's environment. Its log goes where the agent's goes, also when the
      // agent is gone; its standard input tells it of the agent's end, and its last file that it looks.
      const child = spawn(process.execPath, [...NODE_FLAGS, MAIN, JSON.stringify(this.#settings)], {
        detached: true,
        env: {},
        cwd: '/',
        stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
      });
      // First of all: without files to spare a child has neither streams nor a process, and says so later.
      const ended = once(child, 'exit');
      ended.catch(() => undefined);
      child.on('error', () => undefined);
      child.unref();
      await this.#watchOver(child, ended);
      return { exitCode: child.exitCode, signalCode: child.signalCode };
    } catch (error) {
      return { err: error };
    }
  }

  async #watchOver(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
    if (child.pid === undefined) return void (await ended);
    const silence = new Silence(TICK_MS, performance.now());
    let patienceMs = START_MS;
    child.stdin?.on('error', () => undefined);
    if (child.stdio[3] instanceof Socket) {
      child.stdio[3].on('error', () => undefined).unref();
      child.stdio[3].on('data', () => {
        silence.heard();
        patienceMs = SILENT_MS;
      });
    }
    const timer = setInterval(() => {
      silence.tick(performance.now());
      if (silence.ms < patienceMs || child.killed || this.#stopping.signal.aborted) return;
      this.#logger.warn(
        { watchdogPid: child.pid, silentMs: silence.ms },
        'watchdog does not look, ending it',
      );
      child.kill('SIGKILL');
    }, TICK_MS).unref();
    this.#child = child;
    this.#silence = silence;
    this.#logger.info({ watchdogPid: child.pid }, 'watchdog started');
    try {
      await ended;
    } finally {
      clearInterval(timer);
      this.#child = undefined;
    }
  }
}
