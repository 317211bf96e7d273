import { access } from 'node:fs/promises';
import { INFERENCE_REPORT, type NodeInference } from '../../contracts/node-inference.ts';
import type { Logger } from '../../platform/logger.ts';
import { OllamaError, type LoadOptions, type ModelOnDisk, type OllamaClient } from './ollama-client.ts';

/** A model that is made of a file on the host. */
export interface ModelImport {
  readonly model: string;
  /** GGUF file. */
  readonly file: string;
}

export interface ModelsDeps {
  readonly imports: readonly ModelImport[];
  /** Called when what `report` says has changed in a way that somebody waits for. */
  readonly onChange: () => void;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

interface Work {
  percent?: number;
  error?: string;
  /** Set while it goes on. */
  underway?: Promise<void>;
  failures: number;
  retryAtMs: number;
}

/** A model that stays in memory, and what it is loaded with. */
export interface Kept {
  readonly model: string;
  readonly contextTokens: number;
}

const SECOND_MS = 1000;
const FIRST_RETRY_MS = 15 * SECOND_MS;
const MAX_RETRY_MS = 10 * 60 * SECOND_MS;
const SOON_MS = 2 * SECOND_MS;
const RELOAD_MS = 5 * SECOND_MS;
const FOR_EVER = -1;
const WITHOUT_REGISTRY =
  'Check the name; where no model registry can be reached, import the model from a file (models.import, MODELS_IMPORT)';
/** How long a model stays in memory that nobody wants kept any more. */
const RELEASED = '5m';

class MissingFileError extends OllamaError {
  constructor(file: string) {
    super('refused', `no file ${file} (yet): the model is imported when it is there`);
  }
}

/** The models of one Ollama: what is there, what is being got, and which one is kept in memory. */
export class Models {
  readonly #deps: ModelsDeps;
  #session: { readonly client: OllamaClient; readonly over: AbortController } | undefined;
  #onDisk: readonly ModelOnDisk[] = [];
  #loaded: ReadonlySet<string> = new Set();
  readonly #work = new Map<string, Work>();
  #wanted: string | undefined;
  #kept: Kept | undefined;
  #reloadAtMs = 0;
  #reloading = false;

  constructor(deps: ModelsDeps) {
    this.#deps = deps;
  }

  /** An Ollama answers from now on. */
  attach(client: OllamaClient): void {
    this.detach();
    this.#session = { client, over: new AbortController() };
    for (const work of this.#work.values()) work.retryAtMs = 0;
    this.#reloadAtMs = 0;
  }

  /** It does not any more; what went on with it ends. */
  detach(): void {
    this.#session?.over.abort();
    this.#session = undefined;
    this.#loaded = new Set();
  }

  /** The model that shall be on this node; it is got in the background. */
  want(model: string | undefined): void {
    this.#wanted = model === undefined ? undefined : qualified(model);
  }

  /** What stays in memory for the orchestrator. */
  get kept(): Kept | undefined {
    return this.#kept;
  }

  report(): Pick<NodeInference, 'models' | 'pulls'> {
    const models = this.#onDisk
      .filter(({ name }) => name.length <= INFERENCE_REPORT.maxName)
      .map(({ name, sizeBytes }) => ({ name, loaded: this.#loaded.has(name), size_bytes: sizeBytes }))
      .sort((a, b) => Number(b.loaded) - Number(a.loaded));
    const pulls = [...this.#work]
      .filter(([model]) => model.length <= INFERENCE_REPORT.maxName)
      .map(([model, { percent, error }]) => ({
        model,
        ...(percent === undefined ? {} : { percent: Math.floor(percent) }),
        ...(error === undefined ? {} : { error: error.slice(0, INFERENCE_REPORT.maxReason) }),
      }));
    return {
      models: models.slice(0, INFERENCE_REPORT.maxModels),
      pulls: pulls.slice(0, INFERENCE_REPORT.maxPulls),
    };
  }

  /** Looks at what is there, gets what is missing, loads what shall be kept. @throws OllamaError when there is no answer */
  async keepUp(): Promise<void> {
    const client = this.#session?.client;
    if (client === undefined) return;
    await this.#look(client);
    const missing = [...this.#deps.imports.map(({ model }) => qualified(model)), this.#wanted];
    for (const model of missing) if (model !== undefined) this.#getIfDue(model);
    this.#reloadIfLost();
  }

  /**
   * Has a model answer at once, and keeps it in memory from then on instead of the one before. Given up by `signal`, what
   * is kept stays as it is; a download goes on.
   * @throws OllamaError `away` when the Ollama went away meanwhile, which may be tried again · the signal's reason
   */
  async prepare(name: string, contextTokens: number, signal: AbortSignal): Promise<void> {
    const model = qualified(name);
    const { client, over } = this.#here();
    await this.#look(client);
    if (!this.#has(model)) await this.#get(model);
    signal.throwIfAborted();
    await this.#load(client, { model, contextTokens }, AbortSignal.any([signal, over.signal]));
    signal.throwIfAborted();
    await this.#keep({ model, contextTokens }, client, over.signal);
    await this.#look(client);
    this.#deps.onChange();
  }

  async #load(client: OllamaClient, { model, contextTokens }: Kept, signal: AbortSignal): Promise<void> {
    try {
      await client.load(model, { contextTokens, keepAlive: FOR_EVER }, signal);
      this.#work.delete(model);
    } catch (error) {
      const work = { failures: 0, retryAtMs: 0 };
      if (error instanceof OllamaError && error.kind !== 'away') {
        this.#work.set(model, work);
        this.#note(model, work, new Error(`it cannot be loaded: ${error.message}`, { cause: error }));
      }
      throw error;
    }
  }

  async #keep(next: Kept, client: OllamaClient, signal: AbortSignal): Promise<void> {
    const before = this.#kept;
    this.#kept = next;
    if (before === undefined || before.model === next.model || !this.#loaded.has(before.model)) return;
    const released: LoadOptions = { contextTokens: before.contextTokens, keepAlive: RELEASED };
    await client.load(before.model, released, signal).catch((error: unknown) => {
      this.#deps.logger.warn({ err: error, model: before.model }, 'model could not be released');
    });
  }

  #here(): { readonly client: OllamaClient; readonly over: AbortController } {
    if (this.#session === undefined) throw new OllamaError('away', 'no Ollama answers on this node');
    return this.#session;
  }

  #has(model: string): boolean {
    return this.#onDisk.some(({ name }) => name === model);
  }

  async #look(client: OllamaClient): Promise<void> {
    const [onDisk, loaded] = await Promise.all([client.listModels(), client.listLoaded()]);
    if (this.#session?.client !== client) return;
    const before = JSON.stringify([this.#onDisk, [...this.#loaded]]);
    this.#onDisk = onDisk.toSorted((a, b) => a.name.localeCompare(b.name));
    this.#loaded = new Set(loaded.toSorted());
    if (JSON.stringify([this.#onDisk, [...this.#loaded]]) !== before) this.#deps.onChange();
  }

  #getIfDue(model: string): void {
    if (this.#has(model)) return;
    const work = this.#work.get(model);
    if (work?.underway !== undefined || (work !== undefined && this.#deps.nowMs() < work.retryAtMs)) return;
    this.#get(model).catch(() => undefined); // the report and the log have the reason
  }

  /** Gets a model; who asks for one that is on its way waits for the same. @throws OllamaError */
  #get(model: string): Promise<void> {
    const work = this.#work.get(model) ?? { failures: 0, retryAtMs: 0 };
    this.#work.set(model, work);
    work.underway ??= this.#obtain(model, work).finally(() => {
      delete work.underway;
      this.#deps.onChange();
    });
    return work.underway;
  }

  async #obtain(model: string, work: Work): Promise<void> {
    const { client, over } = this.#here();
    const source = this.#deps.imports.find((each) => qualified(each.model) === model);
    try {
      if (source === undefined) await this.#pull(client, model, work, over.signal);
      else await this.#import(client, source, over.signal);
      this.#work.delete(model);
      this.#deps.logger.info({ model }, 'model is on this node');
      await this.#look(client);
    } catch (error) {
      this.#note(model, work, error);
      throw error;
    }
  }

  async #pull(client: OllamaClient, model: string, work: Work, signal: AbortSignal): Promise<void> {
    this.#deps.logger.info({ model }, 'pulling model');
    delete work.error;
    const onPercent = (percent: number): void => {
      work.percent = percent;
    };
    try {
      await client.pull(model, onPercent, signal);
    } catch (error) {
      if (!(error instanceof OllamaError) || error.kind === 'away') throw error;
      throw new OllamaError('refused', `${error.message}. ${WITHOUT_REGISTRY}`, { cause: error });
    }
  }

  async #import(client: OllamaClient, { model, file }: ModelImport, signal: AbortSignal): Promise<void> {
    const isThere = await access(file).then(
      () => true,
      () => false,
    );
    if (!isThere) {
      throw new MissingFileError(file);
    }
    this.#deps.logger.info({ model, file }, 'importing model');
    await client.importFile(model, file, signal);
  }

  #note(model: string, work: Work, error: unknown): void {
    delete work.percent;
    // Ollama went away in the middle of it, which says nothing about the model.
    if (error instanceof OllamaError && error.kind === 'away') {
      work.retryAtMs = this.#deps.nowMs() + SOON_MS;
      return;
    }
    const text = error instanceof Error ? error.message : String(error);
    if (work.error !== text) this.#deps.logger.warn({ model, reason: text }, 'model could not be got');
    work.error = text;
    work.failures += 1;
    const backoffMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(work.failures - 1, 10), MAX_RETRY_MS);
    const waitMs = error instanceof MissingFileError ? SOON_MS : backoffMs;
    work.retryAtMs = this.#deps.nowMs() + waitMs;
  }

  /** After a restart of Ollama, or when it gave up the model for another one. */
  #reloadIfLost(): void {
    const kept = this.#kept;
    const session = this.#session;
    if (kept === undefined || session === undefined || this.#reloading) return;
    if (this.#loaded.has(kept.model) || this.#deps.nowMs() < this.#reloadAtMs) return;
    this.#reloadAtMs = this.#deps.nowMs() + RELOAD_MS;
    this.#reloading = true;
    void this.#reload(kept, session.client, session.over.signal).finally(() => (this.#reloading = false));
  }

  async #reload({ model, contextTokens }: Kept, client: OllamaClient, signal: AbortSignal): Promise<void> {
    try {
      if (!this.#has(model)) await this.#get(model);
      await this.#load(client, { model, contextTokens }, signal);
      await this.#look(client);
      this.#deps.logger.info({ model }, 'model loaded again');
    } catch (error) {
      this.#deps.logger.warn({ err: error, model }, 'model could not be loaded again, trying again');
    }
  }
}

/** As Ollama lists it: without a tag it is `latest`. */
export function qualified(model: string): string {
  const lastPart = model.slice(model.lastIndexOf('/') + 1);
  return lastPart.includes(':') ? model : `${model}:latest`;
}
