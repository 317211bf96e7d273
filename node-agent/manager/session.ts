import { CynodeError } from '../../contracts/errors.ts';
import {
  bootstrapSchema,
  FEATURE_TEMPORAL_QUEUE,
  type Bootstrap,
  type CapabilityReport,
  type RegisterBody,
} from '../../contracts/nodes.ts';
import { PATHS } from '../../contracts/paths.ts';
import { sleep } from '../../platform/clock.ts';
import { HttpStatusError, type HttpClient, type JsonRequest } from '../../platform/http/client.ts';
import type { Logger } from '../../platform/logger.ts';
import type { StateFolder } from './state-folder.ts';

export interface SessionDeps {
  readonly http: HttpClient;
  readonly orchestratorUrl: string;
  readonly psk: string;
  readonly requestTimeoutMs: number;
  readonly instanceId: string;
  readonly version: string;
  readonly capability: () => Promise<CapabilityReport>;
  readonly state: StateFolder;
  readonly logger: Logger;
}

export interface Endpoints {
  readonly baseUrl: string;
  readonly configUrl: string;
  readonly reportUrl: string;
}

const REGISTRATION_FILE = 'registration.json';
const STATUS_UNAUTHORIZED = 401;
const STATUS_CONFLICT = 409;
const SECOND_MS = 1000;
/** Share of the token's life after which it is renewed. */
const RENEW_AT = 2 / 3;
const RENEW_RETRY_MS = 2 * SECOND_MS;
const MIN_RENEW_MS = SECOND_MS;

/** The node's registration: its token, its incarnation, and where the control plane is. */
export class NodeSession {
  readonly #deps: SessionDeps;
  readonly #closed = new AbortController();
  #bootstrap: Bootstrap | undefined;
  #renewal: Promise<void> | undefined;
  #onReplaced: () => void = () => undefined;

  constructor(deps: SessionDeps) {
    this.#deps = deps;
  }

  /** The server's number for this run of the agent; `undefined` with an orchestrator that has none. */
  get incarnation(): number | undefined {
    return this.#bootstrap?.incarnation;
  }

  get endpoints(): Endpoints {
    const { orchestrator } = this.#registered();
    return {
      baseUrl: orchestrator.base_url.replace(/\/+$/, ''),
      configUrl: orchestrator.endpoints.node_config_url,
      reportUrl: orchestrator.endpoints.node_report_url,
    };
  }

  /** Called when a renewal turned out to be a new incarnation: the attempts of the old one are not ours any more. */
  onReplaced(listener: () => void): void {
    this.#onReplaced = listener;
  }

  /** Takes up the registration of the run before, if its token still holds; for delivering what that run left. */
  async resume(): Promise<boolean> {
    const stored = await this.#deps.state.read(REGISTRATION_FILE, bootstrapSchema);
    if (stored === undefined || Date.parse(stored.auth.expires_at) <= Date.now()) return false;
    this.#bootstrap = stored;
    return true;
  }

  /**
   * Registers as a new run of the agent.
   * @throws HttpStatusError 401 for a wrong PSK, 409 `node_slug_taken` for a twin · CynodeError `unavailable`
   */
  async register(): Promise<void> {
    await this.#accept(await this.#post(undefined));
    this.#deps.logger.info({ incarnation: this.incarnation }, 'registered');
  }

  /** Calls the control plane with the node's token; renews the token once when it is refused. */
  async call<T = undefined>(request: Omit<JsonRequest<T>, 'bearer'>): Promise<T> {
    const token = this.#registered().auth.node_jwt;
    try {
      return await this.#send(request, token);
    } catch (error) {
      if (!(error instanceof HttpStatusError) || error.status !== STATUS_UNAUTHORIZED) throw error;
      // Somebody else may have renewed it while this call was under way.
      if (this.#registered().auth.node_jwt === token) await this.renew();
      return this.#send(request, this.#registered().auth.node_jwt);
    }
  }

  /** Gets a fresh token within this incarnation; callers at the same time share one renewal. */
  async renew(): Promise<void> {
    this.#renewal ??= this.#renewOnce().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  /**
   * Renews the token before it expires, until the session is closed.
   * @throws HttpStatusError when another agent has taken the slug
   */
  async keepFresh(): Promise<void> {
    let waitMs = this.#renewAfterMs();
    while (!this.#closed.signal.aborted) {
      await sleep(waitMs, this.#closed.signal);
      if (this.#closed.signal.aborted) return;
      try {
        await this.renew();
        waitMs = this.#renewAfterMs();
      } catch (error) {
        if (error instanceof HttpStatusError && error.status === STATUS_CONFLICT) throw error;
        this.#deps.logger.warn({ err: error }, 'token could not be renewed, trying again');
        waitMs = Math.min(RENEW_RETRY_MS, this.#renewAfterMs());
      }
    }
  }

  close(): void {
    this.#closed.abort();
  }

  async #renewOnce(): Promise<void> {
    const before = this.incarnation;
    await this.#accept(await this.#renewedOrNew(before));
    if (before !== undefined && this.incarnation !== before) {
      this.#deps.logger.warn({ before, incarnation: this.incarnation }, 'this run is a new incarnation now');
      this.#onReplaced();
    }
  }

  /** A newer registration has replaced this run; whether the slug is free again is for the control plane to say. */
  async #renewedOrNew(incarnation: number | undefined): Promise<Bootstrap> {
    try {
      return await this.#post(incarnation);
    } catch (error) {
      const replaced = error instanceof HttpStatusError && error.status === STATUS_UNAUTHORIZED;
      if (incarnation === undefined || !replaced) throw error;
      return this.#post(undefined);
    }
  }

  async #post(incarnation: number | undefined): Promise<Bootstrap> {
    const body: RegisterBody = {
      psk: this.#deps.psk,
      capability: await this.#deps.capability(),
      agent: {
        instance_id: this.#deps.instanceId,
        version: this.#deps.version,
        features: [FEATURE_TEMPORAL_QUEUE],
        ...(incarnation === undefined ? {} : { incarnation }),
      },
    };
    const { data } = await this.#deps.http.send({
      method: 'POST',
      url: `${this.#deps.orchestratorUrl}${PATHS.nodeRegister}`,
      body,
      reply: bootstrapSchema,
      timeoutMs: this.#deps.requestTimeoutMs,
    });
    return data;
  }

  async #accept(bootstrap: Bootstrap): Promise<void> {
    this.#bootstrap = bootstrap;
    await this.#deps.state.write(REGISTRATION_FILE, bootstrap);
  }

  async #send<T>(request: Omit<JsonRequest<T>, 'bearer'>, bearer: string): Promise<T> {
    const { data } = await this.#deps.http.send<T>({
      timeoutMs: this.#deps.requestTimeoutMs,
      ...request,
      bearer,
    });
    return data;
  }

  /** By the server's own times, so that clocks need not agree. */
  #renewAfterMs(): number {
    const { issued_at: issuedAt, auth } = this.#registered();
    const lifeMs = Date.parse(auth.expires_at) - Date.parse(issuedAt);
    return Math.max(MIN_RENEW_MS, lifeMs * RENEW_AT);
  }

  #registered(): Bootstrap {
    if (this.#bootstrap === undefined)
      throw new CynodeError('unavailable', 'The node is not registered yet.');
    return this.#bootstrap;
  }
}
