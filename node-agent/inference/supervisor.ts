import { isDeepStrictEqual } from 'node:util';
import {
  INFERENCE_REPORT,
  type InferenceBackendConfig,
  type NodeInference,
} from '../../contracts/node-inference.ts';
import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Backend, RunningBackend } from './backend.ts';
import { decideBackend, type BackendDecision, type BackendFacts } from './decide.ts';
import { Models, type ModelImport } from './models.ts';
import { createOllamaClient, type OllamaClient } from './ollama-client.ts';

export interface SupervisorDeps {
  readonly mode: BackendFacts['mode'];
  readonly sandboxOnly: boolean;
  /** Where an Ollama of the host may answer; undefined: none is looked for. */
  readonly existingUrl: string | undefined;
  /** Port of an Ollama of ours; undefined: as the orchestrator says. */
  readonly port: number | undefined;
  readonly backend: Backend;
  readonly imports: readonly ModelImport[];
  readonly nowMs: () => number;
  readonly logger: Logger;
}

type State = Pick<NodeInference, 'backend' | 'kind' | 'reason'>;

const SECOND_MS = 1000;
const DEFAULT_PORT = 11_434;
const LOOK_MS = 2 * SECOND_MS;
const PROBE_MS = SECOND_MS;
/** How long an Ollama of the host may be away before ours would take its place. */
const EXISTING_AWAY_MS = 60 * SECOND_MS;
const READY_MS = 120 * SECOND_MS;
const READY_POLL_MS = 100;
/** An Ollama that runs and does not answer for so long is started again. */
const SILENT_MS = 60 * SECOND_MS;
const FIRST_PAUSE_MS = SECOND_MS;
const MAX_PAUSE_MS = 10 * SECOND_MS;
/** One that ran for so long is started again without delay. */
const STEADY_MS = 60 * SECOND_MS;

/** Sees to it that this node has the one Ollama that it shall have, and knows what can be said of it. */
export class InferenceSupervisor {
  readonly #deps: SupervisorDeps;
  readonly #models: Models;
  readonly #closing = new AbortController();
  #state: State = { backend: 'none', reason: 'no configuration applied yet' };
  #baseUrl: string | undefined;
  #configured: InferenceBackendConfig | undefined;
  #hasConfiguration = false;
  #existingSeenAtMs = Number.NEGATIVE_INFINITY;
  #pauseMs = 0;
  #wake = new AbortController();
  #listener: () => void = () => undefined;
  #run: Promise<void> = Promise.resolve();

  constructor(deps: SupervisorDeps) {
    this.#deps = deps;
    const { imports, nowMs, logger } = deps;
    this.#models = new Models({ imports, nowMs, logger, onChange: () => this.#listener() });
  }

  /** Has the listener called when the next report would say something new. */
  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  /** Base URL of the Ollama that answers now. */
  get baseUrl(): string | undefined {
    return this.#baseUrl;
  }

  report(): Omit<NodeInference, 'active' | 'queued'> {
    return { ...this.#state, ...this.#models.report() };
  }

  /** For the capability report: whether an Ollama of the host is there, or was a moment ago. */
  async findExisting(): Promise<boolean> {
    const { existingUrl, nowMs, mode } = this.#deps;
    if (existingUrl === undefined || mode === 'disabled') return false;
    // Ours may listen where that one would.
    if (this.#state.kind === 'container' || this.#state.kind === 'process') return false;
    if (await answers(existingUrl)) this.#existingSeenAtMs = nowMs();
    return nowMs() - this.#existingSeenAtMs < EXISTING_AWAY_MS;
  }

  /** Ends what an earlier run of this agent has left; before `findExisting`, which would take it for the host's. */
  removeLeftovers(): Promise<void> {
    return this.#deps.backend.removeLeftovers();
  }

  /** Brings a configuration into effect; the first one starts everything (contract §8.6: after the orchestrator was reached). */
  apply(configured: InferenceBackendConfig | undefined): void {
    const changed = !isDeepStrictEqual(launchOf(configured), launchOf(this.#configured));
    this.#configured = configured;
    this.#models.want(configured?.selected_model);
    if (!this.#hasConfiguration) {
      this.#hasConfiguration = true;
      this.#enter({ backend: 'starting' });
      this.#run = this.#supervise();
    } else if (changed) {
      this.#wake.abort();
    }
  }

  /**
   * Has a model in memory, and keeps it there.
   * @throws OllamaError `away` while no Ollama answers, also when this node shall have none
   */
  prepare(model: string, contextTokens: number, signal: AbortSignal): Promise<void> {
    return this.#models.prepare(model, contextTokens, signal);
  }

  /** What `prepare` keeps in memory. */
  get kept(): Models['kept'] {
    return this.#models.kept;
  }

  /** Ends an Ollama of ours. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake.abort();
    await this.#run;
  }

  async #supervise(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#wake = new AbortController();
      const decision = await this.#decide();
      try {
        await this.#follow(decision);
      } catch (error) {
        this.#enter({ ...this.#state, backend: 'failed', reason: textOf(error) });
        this.#deps.logger.warn({ err: error, retryMs: this.#pauseMs }, 'no Ollama, trying again');
      }
      await sleep(this.#pauseMs, this.#wake.signal);
    }
  }

  async #decide(): Promise<BackendDecision> {
    const { mode, sandboxOnly, existingUrl, nowMs } = this.#deps;
    const wasThere = nowMs() - this.#existingSeenAtMs < EXISTING_AWAY_MS;
    const existing =
      existingUrl !== undefined && mode !== 'disabled' && ((await answers(existingUrl)) || wasThere);
    return decideBackend({ existing, mode, sandboxOnly, configured: this.#configured });
  }

  async #follow(decision: BackendDecision): Promise<void> {
    switch (decision.kind) {
      case 'none':
        this.#pauseMs = LOOK_MS;
        return this.#enter({ backend: 'none', reason: decision.reason });
      case 'existing':
        this.#pauseMs = FIRST_PAUSE_MS;
        return this.#useExisting();
      case 'start':
        return this.#runOwn();
    }
  }

  async #useExisting(): Promise<void> {
    const { existingUrl = '', nowMs } = this.#deps;
    await using client = createOllamaClient(existingUrl);
    await this.#serve(client, existingUrl, 'existing', {
      stillThere: () => {
        this.#existingSeenAtMs = nowMs();
      },
      patienceMs: 3 * LOOK_MS,
    });
    if (!this.#wake.signal.aborted)
      throw new Error(`the Ollama of this host at ${existingUrl} does not answer any more: start it again`);
  }

  async #runOwn(): Promise<void> {
    const port = this.#deps.port ?? this.#configured?.port ?? DEFAULT_PORT;
    const url = `http://127.0.0.1:${port}`;
    this.#pauseMs = Math.min(Math.max(2 * this.#pauseMs, FIRST_PAUSE_MS), MAX_PAUSE_MS);
    this.#enter({ backend: 'starting' });
    const say = (what: string): void => this.#enter({ backend: 'starting', reason: what });
    const order = { port, configured: this.#configured ?? {}, say };
    const running = await this.#deps.backend.start(order, this.#wake.signal);
    const startedAtMs = this.#deps.nowMs();
    try {
      this.#enter({ backend: 'starting', kind: running.kind });
      await using client = createOllamaClient(url);
      await this.#untilReady(client, running);
      await this.#serveOwn(client, url, running);
    } finally {
      await running.stop();
      if (this.#deps.nowMs() - startedAtMs > STEADY_MS) this.#pauseMs = FIRST_PAUSE_MS;
    }
  }

  async #untilReady(client: OllamaClient, running: RunningBackend): Promise<void> {
    const over = AbortSignal.any([this.#wake.signal, AbortSignal.timeout(READY_MS)]);
    const ended = endOf(running);
    while (!over.aborted) {
      if (ended.how !== undefined) throw new Error(`Ollama ended at once (${ended.how})`);
      const version = await client.version(PROBE_MS).catch(() => undefined);
      if (version !== undefined && ended.how === undefined) return;
      await sleep(READY_POLL_MS, over);
    }
    if (!this.#wake.signal.aborted)
      throw new Error(`Ollama does not answer ${READY_MS / SECOND_MS} s after its start`);
  }

  async #serveOwn(client: OllamaClient, url: string, running: RunningBackend): Promise<void> {
    if (this.#wake.signal.aborted) return;
    const ended = endOf(running);
    const exited = new AbortController();
    void running.exited.then(() => exited.abort());
    await this.#serve(client, url, running.kind, { patienceMs: SILENT_MS, exited: exited.signal });
    if (ended.how !== undefined) throw new Error(`Ollama ended (${ended.how})`);
    if (!this.#wake.signal.aborted) throw new Error('Ollama runs, but does not answer any more');
    this.#pauseMs = 0; // another configuration, or the end
  }

  /** Says that it is ready and looks after its models, until it is silent for too long or something has changed. */
  async #serve(
    client: OllamaClient,
    url: string,
    kind: NonNullable<NodeInference['kind']>,
    options: { readonly patienceMs: number; readonly stillThere?: () => void; readonly exited?: AbortSignal },
  ): Promise<void> {
    const signal = AbortSignal.any([
      this.#wake.signal,
      ...(options.exited === undefined ? [] : [options.exited]),
    ]);
    this.#baseUrl = url;
    this.#models.attach(client);
    let answeredAtMs = this.#deps.nowMs();
    try {
      while (!signal.aborted && this.#deps.nowMs() - answeredAtMs < options.patienceMs) {
        try {
          await this.#models.keepUp();
          answeredAtMs = this.#deps.nowMs();
          options.stillThere?.();
          this.#enter({ backend: 'ready', kind });
        } catch (error) {
          if (!signal.aborted) this.#deps.logger.warn({ err: error }, 'Ollama does not answer');
        }
        await sleep(LOOK_MS, signal);
      }
    } finally {
      this.#baseUrl = undefined;
      this.#models.detach();
    }
  }

  #enter(state: State): void {
    const next =
      state.reason === undefined
        ? state
        : { ...state, reason: state.reason.slice(0, INFERENCE_REPORT.maxReason) };
    if (isDeepStrictEqual(next, this.#state)) return;
    this.#state = next;
    this.#deps.logger.info(next, 'inference');
    this.#listener();
  }
}

/** What an Ollama of ours is started with. */
function launchOf(configured: InferenceBackendConfig | undefined): unknown {
  return configured === undefined ? undefined : { ...configured, selected_model: undefined };
}

function endOf(running: RunningBackend): { how: string | undefined } {
  const end: { how: string | undefined } = { how: undefined };
  void running.exited.then((how) => (end.how = how));
  return end;
}

async function answers(url: string): Promise<boolean> {
  await using client = createOllamaClient(url);
  try {
    await client.version(PROBE_MS);
    return true;
  } catch {
    return false;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
