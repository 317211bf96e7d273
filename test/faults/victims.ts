import { setTimeout as delay } from 'node:timers/promises';
import { identifyProcess } from '../../scripts/engines/processes.ts';
import type { RunFolder } from '../support/engines/run-folder.ts';
import type { TestService } from '../support/engines/services.ts';
import type { RoleProcess } from '../support/stack/role-process.ts';

/** A process that faults happen to, one at a time. */
export interface Victim {
  readonly name: string;
  /** Ends it without a warning; resolves when it is gone. */
  crash(): Promise<void>;
  /** Starts it again; engines are ready when this resolves. */
  revive(): Promise<void>;
  /** Stops and continues it; undefined for engines. */
  readonly pausable?: { pause(): Promise<void>; resume(): Promise<void> };
  /** Resolves when no other fault has it in hand, and takes it. */
  take(): Promise<void>;
  release(): void;
  /** When it ended by itself and was started again, as a supervisor would. */
  readonly selfEndedAtMs: readonly number[];
}

const SUPERVISOR_PAUSE_MS = 1_000;
const WATCH_MS = 250;
const TAKE_POLL_MS = 50;

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
): Victim {
  const turn = new Turn();
  return {
    name,
    selfEndedAtMs: [],
    crash: () => service.crash(signal),
    revive: () => service.restart(),
    take: () => turn.take(),
    release: () => turn.release(),
  };
}

/** A role of the product; started again also when it ends by itself, until `over` is aborted. */
export function roleVictim(name: string, role: RoleProcess, run: RunFolder, over: AbortSignal): Victim {
  const turn = new Turn();
  const selfEndedAtMs: number[] = [];
  const revive = async (): Promise<void> => {
    role.start();
    const identity = role.pid === undefined ? undefined : await identifyProcess(role.pid);
    if (identity !== undefined) await run.recordService(identity);
  };
  const supervise = async (): Promise<void> => {
    while (!over.aborted) {
      await delay(WATCH_MS);
      if (turn.taken || role.running || over.aborted) continue;
      selfEndedAtMs.push(Date.now());
      await delay(SUPERVISOR_PAUSE_MS);
      if (!turn.taken && !role.running && !over.aborted) await revive();
    }
  };
  void supervise();
  return {
    name,
    selfEndedAtMs,
    crash: async () => {
      await role.kill('SIGKILL');
    },
    revive: async () => {
      if (!role.running) await revive();
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
