import { z } from 'zod';
import { runResponseSchema, type CompleteBody } from '../../contracts/jobs.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { HttpStatusError } from '../../platform/http/client.ts';
import type { Logger } from '../../platform/logger.ts';
import type { StateFolder } from '../manager/state-folder.ts';
import { attemptKey } from '../sandbox/names.ts';

const MINUTE_MS = 60_000;
/** A result that nobody took for this long is given up. */
export const RESULT_GRACE_MS = 15 * MINUTE_MS;

const FOLDER = 'outbox';
const STATUS_AUTHENTICATION = 401;
const STATUS_TOO_MANY = 429;

const entrySchema = z.object({
  job_id: z.string(),
  attempt: z.number().int(),
  claim_id: z.uuid(),
  result: runResponseSchema,
  /** Wall clock; only the age matters. */
  stored_at_ms: z.number(),
});
/** A result on its way to the control plane. */
export type OutboxEntry = z.infer<typeof entrySchema>;

export type DeliveryOutcome =
  | { readonly kind: 'accepted' }
  /** The control plane has decided otherwise; sending it again would change nothing. */
  | { readonly kind: 'refused'; readonly code: ErrorCode }
  | { readonly kind: 'undelivered' };

/** An entry in the hands of its activity; the sweep leaves it alone until it is released. */
export interface StoredEntry {
  readonly name: string;
  readonly entry: OutboxEntry;
  readonly release: () => void;
}

export interface OutboxDeps {
  readonly state: StateFolder;
  /** Sends a completion. @throws HttpStatusError, CynodeError */
  readonly complete: (jobId: string, attempt: number, body: CompleteBody) => Promise<void>;
  readonly logger: Logger;
}

/** Results on the node's disk until the control plane acknowledges or refuses them (design §4). */
export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #held = new Set<string>();

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
  }

  async prepare(): Promise<void> {
    await this.#deps.state.makeFolder(FOLDER);
  }

  /** Writes the entry, durable when this resolves. */
  async store(entry: OutboxEntry): Promise<StoredEntry> {
    const name = `${FOLDER}/${attemptKey(entry.job_id, entry.attempt)}.json`;
    this.#held.add(name);
    try {
      await this.#deps.state.write(name, entry);
    } catch (error) {
      this.#held.delete(name);
      throw error;
    }
    return { name, entry, release: () => this.#held.delete(name) };
  }

  /** One try. The entry is removed when it was accepted or refused. */
  async deliver({ name, entry }: Pick<StoredEntry, 'name' | 'entry'>): Promise<DeliveryOutcome> {
    const { job_id: jobId, attempt, claim_id, result } = entry;
    try {
      await this.#deps.complete(jobId, attempt, { claim_id, result });
    } catch (error) {
      const code = refusalOf(error);
      if (code === null) return { kind: 'undelivered' };
      this.#deps.logger.warn({ jobId, attempt, code }, 'result refused');
      await this.#deps.state.remove(name);
      return { kind: 'refused', code };
    }
    await this.#deps.state.remove(name);
    return { kind: 'accepted' };
  }

  /** Results on disk. */
  async count(): Promise<number> {
    return (await this.#deps.state.list(FOLDER)).length;
  }

  /** One try for everything that no activity has in hand; what is too old is given up. Returns how many are left. */
  async sweep(): Promise<number> {
    const files = await this.#deps.state.list(FOLDER);
    const names = files.map((file) => `${FOLDER}/${file}`).filter((name) => !this.#held.has(name));
    const left = await Promise.all(names.map((name) => this.#sweepOne(name)));
    return left.filter(Boolean).length;
  }

  async #sweepOne(name: string): Promise<boolean> {
    const entry = await this.#deps.state.read(name, entrySchema);
    if (entry === undefined) {
      await this.#deps.state.remove(name);
      return false;
    }
    const outcome = await this.deliver({ name, entry });
    if (outcome.kind !== 'undelivered') return false;
    if (Date.now() - entry.stored_at_ms < RESULT_GRACE_MS) return true;
    this.#deps.logger.error(
      { jobId: entry.job_id, attempt: entry.attempt },
      'result given up: not accepted in time',
    );
    await this.#deps.state.remove(name);
    return false;
  }
}

/** The code of an answer that will not change, or null when sending again may help. */
function refusalOf(error: unknown): ErrorCode | null {
  if (!(error instanceof HttpStatusError)) return null;
  const mayChange =
    error.status >= 500 || error.status === STATUS_AUTHENTICATION || error.status === STATUS_TOO_MANY;
  return mayChange ? null : error.code;
}
