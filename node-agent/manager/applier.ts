import { isDeepStrictEqual } from 'node:util';
import type { NodeConfig } from '../../contracts/nodes.ts';
import type { Logger } from '../../platform/logger.ts';
import type { TemporalLink, TemporalSettings } from '../temporal/link.ts';
import { ConfigRejectedError } from './config-manager.ts';

/** Both mean no network at all (contract §10.2). */
const NETWORK_POLICIES: readonly string[] = ['none', 'restricted'];

/** The configuration that holds now, for everybody who has to obey it. */
export interface ConfigInEffect {
  current: NodeConfig | undefined;
}

export interface ApplierDeps {
  readonly inEffect: ConfigInEffect;
  /** Starts to listen; done once. @throws Error, e.g. when the port is busy */
  readonly startWorkerApi: () => Promise<void>;
  /** What the node's models shall be; absent from an orchestrator that knows of none. */
  readonly applyInference: (configured: NodeConfig['inference_backend']) => void;
  readonly startLink: (settings: TemporalSettings) => Promise<TemporalLink>;
  /** Reports a link that cannot go on. */
  readonly onLinkFailed: (error: unknown) => void;
  readonly logger: Logger;
}

/** Brings configurations into effect. What can fail comes first, so that a failure leaves everything as it was. */
export class ConfigApplier {
  readonly #deps: ApplierDeps;
  #link: TemporalLink | undefined;
  #workerApiStarted = false;
  readonly #retired = new Set<Promise<void>>();

  constructor(deps: ApplierDeps) {
    this.#deps = deps;
  }

  /** The link to Temporal; `undefined` with an orchestrator that has no queue for this node. */
  get link(): TemporalLink | undefined {
    return this.#link;
  }

  /** @throws ConfigRejectedError; the configuration before then stays in effect */
  async apply(next: NodeConfig): Promise<void> {
    checkPolicy(next);
    await this.#ensureWorkerApi();
    if (!isDeepStrictEqual(next.temporal, this.#deps.inEffect.current?.temporal))
      await this.#switchLink(next.temporal);
    this.#deps.applyInference(next.inference_backend);
    this.#deps.inEffect.current = next;
  }

  /** Ends the links; jobs in hand have to be ended first, or are waited for. */
  async close(): Promise<void> {
    await this.#link?.close();
    await Promise.all(this.#retired);
  }

  async #ensureWorkerApi(): Promise<void> {
    if (this.#workerApiStarted) return;
    try {
      await this.#deps.startWorkerApi();
      this.#workerApiStarted = true;
    } catch (error) {
      throw new ConfigRejectedError(
        'worker_api_unavailable',
        `The Worker API cannot listen: ${textOf(error)}`,
        {
          cause: error,
        },
      );
    }
  }

  async #switchLink(settings: TemporalSettings | undefined): Promise<void> {
    const link = settings === undefined ? undefined : await this.#startLink(settings);
    link?.failed.catch((error: unknown) => {
      if (link === this.#link) this.#deps.onLinkFailed(error);
    });
    const before = this.#link;
    this.#link = link;
    if (before !== undefined) this.#retire(before);
  }

  async #startLink(settings: TemporalSettings): Promise<TemporalLink> {
    try {
      return await this.#deps.startLink(settings);
    } catch (error) {
      throw new ConfigRejectedError(
        'temporal_unreachable',
        `Temporal at ${settings.address}, namespace ${settings.namespace}, cannot be used: ${textOf(error)}`,
        { cause: error },
      );
    }
  }

  /** Its jobs finish in their own time: the activity that asked for this change may be one of its own. */
  #retire(link: TemporalLink): void {
    const closing = link
      .close()
      .catch((error: unknown) => this.#deps.logger.warn({ err: error }, 'old Temporal link closed badly'))
      .finally(() => this.#retired.delete(closing));
    this.#retired.add(closing);
  }
}

/** @throws ConfigRejectedError */
function checkPolicy({ policy }: NodeConfig): void {
  const network = policy?.sandbox?.default_network_policy;
  if (network !== undefined && !NETWORK_POLICIES.includes(network)) {
    throw new ConfigRejectedError(
      'unsupported_policy',
      `policy.sandbox.default_network_policy: ${network} is not supported, jobs have no network (none, restricted)`,
    );
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
