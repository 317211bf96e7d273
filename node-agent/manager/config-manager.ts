import { z } from 'zod';
import { rfc3339 } from '../../contracts/ids.ts';
import { nodeConfigSchema, type ConfigAck, type NodeConfig } from '../../contracts/nodes.ts';
import { hashJson } from '../../platform/hash.ts';
import { HttpStatusError } from '../../platform/http/client.ts';
import type { Logger } from '../../platform/logger.ts';

/** Upstream's control plane knows `applied` and `failed` only; saying it again would not teach it more. */
const STATUS_BAD_REQUEST = 400;

/** A configuration that cannot be applied; `type` and message go into the acknowledgement. */
export class ConfigRejectedError extends Error {
  readonly type: string;

  constructor(type: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfigRejectedError';
    this.type = type;
  }
}

export interface ConfigManagerDeps {
  readonly slug: string;
  readonly fetch: () => Promise<unknown>;
  readonly acknowledge: (ack: ConfigAck) => Promise<void>;
  /** Brings a configuration into effect, or leaves the one before in effect. @throws ConfigRejectedError */
  readonly apply: (next: NodeConfig) => Promise<void>;
  readonly logger: Logger;
}

/** Fetches configurations, applies them one at a time, and says what became of each (contract §8.5). */
export class ConfigManager {
  readonly #deps: ConfigManagerDeps;
  #applied: NodeConfig | undefined;
  #lastSeen: string | undefined;
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #unsentAck: ConfigAck | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(deps: ConfigManagerDeps) {
    this.#deps = deps;
  }

  /** The configuration in effect. */
  get applied(): NodeConfig | undefined {
    return this.#applied;
  }

  /**
   * Fetches the configuration, applies it if it differs from the one tried last, and acknowledges it.
   * @throws CynodeError when it cannot be fetched
   */
  async refresh(options: { readonly force: boolean } = { force: true }): Promise<void> {
    const work = this.#turn.then(() => this.#refresh(options.force));
    this.#turn = work.catch(() => undefined);
    return work;
  }

  /**
   * To be called often: sends an acknowledgement again that did not get through, and looks for a configuration while
   * none is applied, and every `pollMs` in case nobody told of a new one.
   */
  async keepUp(pollMs: number): Promise<void> {
    if (this.#unsentAck !== undefined) await this.#send(this.#unsentAck);
    const isDue = performance.now() - this.#fetchedAtMs >= pollMs;
    if (this.#applied === undefined || isDue) await this.refresh({ force: false });
  }

  async #refresh(force: boolean): Promise<void> {
    const received = await this.#deps.fetch();
    this.#fetchedAtMs = performance.now();
    const hash = fingerprint(received);
    if (!force && hash === this.#lastSeen && this.#applied !== undefined) return;
    const ack = await this.#tryOut(received);
    const isNews = hash !== this.#lastSeen || ack.status === 'applied' || force;
    this.#lastSeen = hash;
    if (isNews) await this.#send(ack);
  }

  async #tryOut(received: unknown): Promise<ConfigAck> {
    try {
      const next = checkedConfig(received, this.#deps.slug);
      await this.#deps.apply(next);
      this.#applied = next;
      this.#deps.logger.info({ configVersion: next.config_version }, 'configuration applied');
      return this.#ackOf(received, { status: 'applied', effective_config_hash: fingerprint(received) });
    } catch (error) {
      const type = error instanceof ConfigRejectedError ? error.type : 'internal';
      const message =
        error instanceof ConfigRejectedError
          ? error.message
          : 'The node could not apply it; its log has details.';
      this.#deps.logger.error({ err: error, type }, 'configuration refused');
      const status = this.#applied === undefined ? 'failed' : 'rolled_back';
      return this.#ackOf(received, { status, error: { type, message } });
    }
  }

  #ackOf(
    received: unknown,
    outcome: Pick<ConfigAck, 'status' | 'error' | 'effective_config_hash'>,
  ): ConfigAck {
    const named = z.object({ config_version: z.string() }).safeParse(received);
    return {
      version: 1,
      node_slug: this.#deps.slug,
      config_version: named.data?.config_version ?? 'unknown',
      ack_at: rfc3339(new Date()),
      ...outcome,
    };
  }

  async #send(ack: ConfigAck): Promise<void> {
    this.#unsentAck = ack;
    try {
      await this.#deps.acknowledge(ack);
      this.#unsentAck = undefined;
    } catch (error) {
      if (error instanceof HttpStatusError && error.status === STATUS_BAD_REQUEST) {
        this.#unsentAck = undefined;
        this.#deps.logger.warn({ err: error, status: ack.status }, 'acknowledgement refused');
        return;
      }
      this.#deps.logger.warn({ err: error }, 'configuration could not be acknowledged, trying again');
    }
  }
}

/** Hash of a payload; the time of issue changes with every fetch and means nothing. */
function fingerprint(received: unknown): string {
  const members = z.record(z.string(), z.unknown()).safeParse(received);
  return hashJson(members.success ? { ...members.data, issued_at: undefined } : received);
}

/** @throws ConfigRejectedError for a payload that is not one for this node (contract §8.4) */
function checkedConfig(received: unknown, slug: string): NodeConfig {
  const parsed = nodeConfigSchema.safeParse(received);
  if (!parsed.success) throw new ConfigRejectedError('invalid_config', z.prettifyError(parsed.error));
  const config = parsed.data;
  if (config.node_slug !== slug) {
    throw new ConfigRejectedError('invalid_config', `node_slug is ${config.node_slug}, this node is ${slug}`);
  }
  if (config.worker_api.orchestrator_bearer_token === '') {
    throw new ConfigRejectedError('invalid_config', 'worker_api.orchestrator_bearer_token is empty');
  }
  return config;
}
