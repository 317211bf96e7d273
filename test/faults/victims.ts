import { setTimeout as delay } from 'node:timers/promises';
import { identifyProcess } from '../../scripts/engines/processes.ts';
import type { RunFolder } from '../support/engines/run-folder.ts';
import type { TestService } from '../support/engines/services.ts';
import type { RoleProcess } from '../support/stack/role-process.ts';
import type { AgentWatchdogs } from './agent-watchdogs.ts';

/** A process that faults happen to, one at a time. */
export interface Victim {
  readonly name: string;
  /** Ends it without a warning; resolves when it is gone. */
  crash(): Promise<void>;
  /** Starts it again; engines are ready when this resolves. */
  revive(): Promise<void>;
  /** Stops and continues it; undefined for engines. */
  readonly pausable?: { pause(): Promise<void>; resume(): Promise<void> };
  /** Of a node agent. */
  readonly watchdogs?: AgentWatchdogs | undefined;
  /** Resolves when no other fault has it in hand, and takes it. */
  take(): Promise<void>;
  release(): void;
  /** When it ended by itself and was started again, as a supervisor would. */
  readonly selfEndedAtMs: readonly number[];
}

const SUPERVISOR_PAUSE_MS = 1_000;
const WATCH_MS = 250;
const TAKE_POLL_MS = 50;

/** Starts of processes that faults ended; none begins when the run is over. */
export class Revivals {
  #closed = false;
  readonly #underWay = new Set<Promise<void>>();

  get closed(): boolean {
    return this.#closed;
  }

  async run(start: () => Promise<void>): Promise<void> {
    if (this.#closed) return;
    const starting = start();
    this.#underWay.add(starting);
    await starting.finally(() => this.#underWay.delete(starting));
  }

  /** Resolves when those under way have come to an end, so that whoever ends the processes finds them all. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
  }
}

class Turn {
  #taken = false;

  get taken(): boolean {
    return this.#taken;
  }

  async take(): Promise<void> {
    while (this.#taken) await delay(TAKE_POLL_MS);
    this.#taken = true;
  }

  release(): void {
    this.#taken = false;
  }
}

/** An engine: Postgres stopped at once, others killed. */
export function engineVictim(
  name: string,
  service: TestService,
  signal: 'SIGKILL' | 'SIGQUIT' | 'SIGTERM',
  revivals: Revivals,
): Victim {
  const turn = new Turn();
  return {
    name,
    selfEndedAtMs: [],
    crash: () => service.crash(signal),
    revive: () => revivals.run(() => service.restart()),
    take: () => turn.take(),
    release: () => turn.release(),
  };
}

/** A role of the product; started again also when it ends by itself, until the run is over. */
export function roleVictim(
  name: string,
  role: RoleProcess,
  run: RunFolder,
  { revivals, watchdogs }: { readonly revivals: Revivals; readonly watchdogs?: AgentWatchdogs | undefined },
): Victim {
  const turn = new Turn();
  const selfEndedAtMs: number[] = [];
  const start = async (): Promise<void> => {
    role.start();
    const identity = role.pid === undefined ? undefined : await identifyProcess(role.pid);
    if (identity !== undefined) await run.recordService(identity);
  };
  const supervise = async (): Promise<void> => {
    while (!revivals.closed) {
      await delay(WATCH_MS);
      if (turn.taken || role.running || revivals.closed) continue;
      selfEndedAtMs.push(Date.now());
      await delay(SUPERVISOR_PAUSE_MS);
      if (!turn.taken && !role.running && !revivals.closed) await revivals.run(start);
    }
  };
  void supervise();
  return {
    name,
    selfEndedAtMs,
    watchdogs,
    crash: async () => {
      await role.kill('SIGKILL');
    },
    revive: async () => {
      if (!role.running) await revivals.run(start);
    },
    pausable: {
      pause: async () => {
        await role.kill('SIGSTOP');
      },
      resume: async () => {
        await role.kill('SIGCONT');
      },
    },
    take: () => turn.take(),
    release: () => turn.release(),
  };
}
