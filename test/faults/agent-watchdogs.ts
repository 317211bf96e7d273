import { readFile } from 'node:fs/promises';
import { identifyProcess, isAlive, type ProcessIdentity } from '../../scripts/engines/processes.ts';
import type { RunFolder } from '../support/engines/run-folder.ts';
import type { RoleProcess } from '../support/stack/role-process.ts';
import { eventually } from '../support/wait.ts';
import { watchdogPids } from '../support/watchdogs.ts';

const POLL_MS = 50;
/** In the arguments of a watchdog's process. */
const PROGRAM = 'watchdog/main.ts';

/** The watchdogs that a node agent and its earlier runs have started. */
export class AgentWatchdogs {
  readonly #agent: RoleProcess;
  readonly #run: RunFolder;
  #paused: ProcessIdentity | undefined;

  constructor(agent: RoleProcess, run: RunFolder) {
    this.#agent = agent;
    this.#run = run;
  }

  /**
   * The one that the agent has; waits for it as long as the agent runs. Undefined when it has none by then.
   * @param after one that was killed, which may take a moment to be gone
   */
  async present(timeoutMs: number, after?: ProcessIdentity): Promise<ProcessIdentity | undefined> {
    const look = async (): Promise<{ found: ProcessIdentity | undefined } | undefined> => {
      const current = await this.#current();
      const found = current?.pid === after?.pid ? undefined : current;
      return found !== undefined || !this.#agent.running ? { found } : undefined;
    };
    const seen = await eventually('a watchdog', look, { timeoutMs, everyMs: POLL_MS }).catch(() => undefined);
    return seen?.found;
  }

  /** Sends SIGKILL to exactly this process. */
  async kill(watchdog: ProcessIdentity): Promise<void> {
    await send(watchdog, 'SIGKILL');
  }

  /** Stops it; it is known to the run before, as nothing would end a stopped one. */
  async pause(watchdog: ProcessIdentity): Promise<void> {
    await this.#run.recordService(watchdog);
    this.#paused = watchdog;
    await send(watchdog, 'SIGSTOP');
  }

  /** Continues what `pause` stopped, unless its agent has ended it as hung. */
  async resume(): Promise<void> {
    const paused = this.#paused;
    this.#paused = undefined;
    if (paused !== undefined) await send(paused, 'SIGCONT');
  }

  /** What is not as it should be at rest: no watchdog, or one of an earlier run of the agent. */
  async wrongAtRest(): Promise<string[]> {
    const own = await this.#current();
    const pids = new Set(await watchdogPids(this.#agent));
    const left: string[] = [];
    for (const pid of pids)
      if (pid !== own?.pid && (await isWatchdog(pid))) left.push(`process ${pid} is left`);
    return (own === undefined ? ['none', ...left] : left).map((what) => `${this.#agent.name}: ${what}`);
  }

  /** A pid in the log may be somebody else's by now: its parent tells. */
  async #current(): Promise<ProcessIdentity | undefined> {
    const pid = (await watchdogPids(this.#agent)).at(-1);
    if (pid === undefined || !this.#agent.running) return undefined;
    const identity = await identifyProcess(pid);
    return (await parentOf(pid)) === this.#agent.pid ? identity : undefined;
  }
}

async function send(watchdog: ProcessIdentity, signal: NodeJS.Signals): Promise<void> {
  if (!(await isAlive(watchdog))) return;
  try {
    process.kill(watchdog.pid, signal);
  } catch {
    // It has ended since the look.
  }
}

async function parentOf(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [, parent] = /^PPid:\s+(\d+)$/m.exec(status) ?? [];
  return parent === undefined ? undefined : Number(parent);
}

async function isWatchdog(pid: number): Promise<boolean> {
  const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return args.includes(PROGRAM);
}
