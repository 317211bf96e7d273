import type { NodeInference } from '../../contracts/node-inference.ts';
import type { NodeContact } from '../../contracts/nodes.ts';
import { LEASE } from '../../contracts/temporal.ts';
import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { readLoad } from '../telemetry/host.ts';
import { repeat } from './loop.ts';

export interface ContactDeps {
  /** Whether this node can take work now; while it cannot, it says nothing, and placement passes it by. */
  readonly ableToWork: () => Promise<boolean>;
  readonly leaseHeld: () => boolean;
  readonly runningJobs: () => number;
  readonly inference: () => NodeInference;
  readonly send: (contact: NodeContact) => Promise<void>;
  readonly logger: Logger;
}

/** A control plane that is back shall hear of the node soon. */
const FAILED_PAUSE_MS = 500;

/** Tells the control plane every two seconds that the node can take work (design §4). */
export class Contact {
  readonly #deps: ContactDeps;
  #wake = new AbortController();

  constructor(deps: ContactDeps) {
    this.#deps = deps;
  }

  /** Runs until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.soon(), { once: true });
    const work = async (): Promise<void> => {
      this.#wake = new AbortController();
      let pauseMs: number = FAILED_PAUSE_MS;
      try {
        await this.#sendOnce();
        pauseMs = LEASE.contactIntervalMs;
      } finally {
        await sleep(pauseMs, this.#wake.signal);
      }
    };
    await repeat('contact', 0, work, { signal, logger: this.#deps.logger });
  }

  /** Sends the next one at once, because something has changed. */
  soon(): void {
    this.#wake.abort();
  }

  async #sendOnce(): Promise<void> {
    if (!(await this.#deps.ableToWork())) return;
    const { load1, ramAvailableMb } = await readLoad();
    await this.#deps.send({
      lease_held: this.#deps.leaseHeld(),
      running_jobs: this.#deps.runningJobs(),
      load1,
      ram_available_mb: ramAvailableMb,
      sent_at_ms: Date.now(),
      inference: this.#deps.inference(),
    });
  }
}
