import type { Logger } from '../../platform/logger.ts';
import type { Lease, LeaseLook } from './lease-files.ts';

/** How long after the deadline the watchdog acts, so that the agent's own fence normally comes first. */
export const MARGIN_MS = 500;
/** How often it looks. */
export const LOOK_MS = 500;
/** How often it makes sure of a container that it has ended, while the agent has not given the lease up. */
const AGAIN_MS = 2_000;

export interface WatchdogDeps {
  readonly readLeases: () => Promise<LeaseLook>;
  readonly removeContainer: (name: string) => Promise<'gone' | 'busy'>;
  readonly removeFile: (path: string) => Promise<void>;
  /** The clock of the deadlines. */
  readonly nowMs: () => number;
  readonly boot: string;
  /** The run of the agent that started this watchdog. */
  readonly run: string;
  readonly logger: Logger;
}

/** What was tried with an overdue lease. */
interface Effort {
  readonly nextTryMs: number;
  readonly state: 'failing' | 'ended';
}

/**
 * Ends the containers of leases that were not renewed in time, also those of earlier runs of the agent. While its own
 * agent is there the files are the agent's: one that was stopped may still start a container when it continues, so the
 * watchdog goes on looking until the agent has removed the file.
 */
export class Watchdog {
  readonly #deps: WatchdogDeps;
  readonly #efforts = new Map<string, Effort>();
  readonly #underway = new Set<string>();
  #agentGone = false;
  #unread = false;
  /** Other runs of the agent that were seen to live, and so have a watchdog of their own. */
  readonly #livingRuns = new Set<string>();
  /** Deadlines by path at the last look that saw all leases. */
  #before: ReadonlyMap<string, number> | undefined;

  constructor(deps: WatchdogDeps) {
    this.#deps = deps;
  }

  /** From now on files are the watchdog's to remove. */
  agentIsGone(): void {
    this.#agentGone = true;
  }

  /** One look at all leases; removals it starts go on behind it. Returns whether there is still something to do. */
  async look(): Promise<boolean> {
    const { leases, failure } = await this.#deps.readLeases();
    this.#tellOf(failure);
    if (failure === null) this.#forgetAllBut(new Set(leases.map(({ path }) => path)));
    for (const lease of leases) {
      const due = (this.#efforts.get(lease.path)?.nextTryMs ?? 0) <= this.#deps.nowMs();
      if (due && this.#isOverdue(lease) && !this.#underway.has(lease.path)) void this.#end(lease);
    }
    this.#noteLife(leases, failure === null);
    return !this.#agentGone || failure !== null || leases.some((lease) => this.#concerns(lease));
  }

  /** What a run that lives has in hand is for its own watchdog; what one has left that died is not overdue at once. */
  #concerns(lease: Lease): boolean {
    return this.#isOverdue(lease) || !this.#livingRuns.has(lease.run);
  }

  /** A run lives that renews a lease, or takes a new one, after the end of this watchdog's agent. */
  #noteLife(leases: readonly Lease[], complete: boolean): void {
    const before = this.#before;
    if (this.#agentGone && before !== undefined) {
      for (const { run, path, deadlineMs } of leases)
        if (run !== this.#deps.run && before.get(path) !== deadlineMs) this.#livingRuns.add(run);
    }
    this.#before = complete ? new Map(leases.map(({ path, deadlineMs }) => [path, deadlineMs])) : undefined;
  }

  #forgetAllBut(paths: ReadonlySet<string>): void {
    for (const path of this.#efforts.keys()) if (!paths.has(path)) this.#efforts.delete(path);
  }

  #tellOf(failure: unknown): void {
    if (failure !== null && !this.#unread)
      this.#deps.logger.error({ err: failure }, 'leases could not be read, looking again');
    this.#unread = failure !== null;
  }

  #isOverdue(lease: Lease): boolean {
    return isOverdue(lease, this.#deps.boot, this.#deps.nowMs());
  }

  async #end(lease: Lease): Promise<void> {
    const { removeContainer, removeFile, nowMs, logger } = this.#deps;
    const before = this.#efforts.get(lease.path)?.state;
    const log = logger.child(idsOf(lease));
    this.#underway.add(lease.path);
    try {
      if (before === undefined) log.warn({ overdueMs: this.#overdueMs(lease) }, 'lease ran out');
      if ((await removeContainer(lease.container)) === 'busy') return;
      if (before !== 'ended') log.warn({ overdueMs: this.#overdueMs(lease) }, 'container is gone');
      this.#efforts.set(lease.path, { state: 'ended', nextTryMs: nowMs() + AGAIN_MS });
      if (this.#agentGone || lease.run !== this.#deps.run) await removeFile(lease.path);
    } catch (error) {
      if (before === undefined) log.error({ err: error }, 'container could not be removed yet');
      this.#efforts.set(lease.path, { state: 'failing', nextTryMs: nowMs() });
    } finally {
      this.#underway.delete(lease.path);
    }
  }

  /** Means nothing for a lease of an earlier boot. */
  #overdueMs(lease: Lease): number | undefined {
    return lease.boot === this.#deps.boot ? Math.round(this.#deps.nowMs() - lease.deadlineMs) : undefined;
  }
}

/** Whether the attempt's time, and the agent's to end it, is over. Nothing outlives a boot. */
export function isOverdue(lease: Pick<Lease, 'boot' | 'deadlineMs'>, boot: string, nowMs: number): boolean {
  return lease.boot !== boot || nowMs >= lease.deadlineMs + MARGIN_MS;
}

function idsOf(lease: Lease): object {
  return {
    taskId: lease.task_id,
    jobId: lease.job_id,
    attempt: lease.attempt,
    container: lease.container,
  };
}
