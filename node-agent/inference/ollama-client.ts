import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Agent, request, type Dispatcher } from 'undici';
import { z } from 'zod';
import { readJsonLines } from './json-lines.ts';

/** What Ollama refused, or how it could not be asked; the message is fit for an operator. */
export class OllamaError extends Error {
  /** `away`: no answer; `no_model`: it has no such model; `refused`: anything else it said. */
  readonly kind: 'away' | 'no_model' | 'refused';

  constructor(kind: OllamaError['kind'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OllamaError';
    this.kind = kind;
  }
}

/** A model that Ollama has. */
export interface ModelOnDisk {
  readonly name: string;
  readonly sizeBytes: number;
}

/** Ollama's HTTP API, as far as a node needs it. All calls reject with `OllamaError`. */
export interface OllamaClient extends AsyncDisposable {
  /** Resolves with its version when it answers. */
  version(timeoutMs: number): Promise<string>;
  listModels(): Promise<readonly ModelOnDisk[]>;
  /** Names of the models in memory. */
  listLoaded(): Promise<readonly string[]>;
  /** Gets a model from Ollama's registry. `onPercent` is told how far the bytes are. */
  pull(model: string, onPercent: (percent: number) => void, signal: AbortSignal): Promise<void>;
  /** Makes a model of a GGUF file. */
  importFile(model: string, file: string, signal: AbortSignal): Promise<void>;
  /** Has a model in memory with that context, and keeps it there for the time (`-1` = for ever, `5m`, …). */
  load(model: string, options: LoadOptions, signal: AbortSignal): Promise<void>;
}

export interface LoadOptions {
  /** Absent: as it is loaded now. */
  readonly contextTokens?: number;
  readonly keepAlive: number | string;
}

const SECOND_MS = 1000;
const ANSWER_MS = 5 * SECOND_MS;
/** Between two lines of a download, or until a large model is in memory. */
const PATIENCE_MS = 15 * 60 * SECOND_MS;

const tagsSchema = z.object({ models: z.array(z.object({ name: z.string(), size: z.number() })).nullish() });
const psSchema = z.object({ models: z.array(z.object({ name: z.string() })).nullish() });
const errorSchema = z.object({ error: z.string() });
const lineSchema = z.object({
  status: z.string().optional(),
  error: z.string().optional(),
  digest: z.string().optional(),
  total: z.number().optional(),
  completed: z.number().optional(),
});

/** @param baseUrl without a path, e.g. `http://127.0.0.1:11434` */
export function createOllamaClient(baseUrl: string): OllamaClient {
  const dispatcher = new Agent({ connectTimeout: ANSWER_MS, headersTimeout: 0, bodyTimeout: PATIENCE_MS });
  const api = new Api(baseUrl, dispatcher);
  return {
    version: async (timeoutMs) =>
      (await api.get('/api/version', z.object({ version: z.string() }), timeoutMs)).version,
    listModels: async () => {
      const { models } = await api.get('/api/tags', tagsSchema, ANSWER_MS);
      return (models ?? []).map(({ name, size }) => ({ name, sizeBytes: size }));
    },
    listLoaded: async () =>
      ((await api.get('/api/ps', psSchema, ANSWER_MS)).models ?? []).map(({ name }) => name),
    pull: async (model, onPercent, signal) => {
      const progress = new Progress(onPercent);
      await api.follow('/api/pull', { model }, signal, (line) => progress.take(line));
    },
    importFile: async (model, file, signal) => {
      const digest = `sha256:${await sha256(file, signal)}`;
      await api.upload(digest, file, signal);
      await api.follow('/api/create', { model, files: { 'model.gguf': digest } }, signal);
    },
    load: async (model, { contextTokens, keepAlive }, signal) => {
      const options = contextTokens === undefined ? {} : { options: { num_ctx: contextTokens } };
      await api.post('/api/generate', { model, stream: false, keep_alive: keepAlive, ...options }, signal);
    },
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

type Line = z.infer<typeof lineSchema>;

class Api {
  readonly #baseUrl: string;
  readonly #dispatcher: Dispatcher;

  constructor(baseUrl: string, dispatcher: Dispatcher) {
    this.#baseUrl = baseUrl;
    this.#dispatcher = dispatcher;
  }

  async get<T>(path: string, reply: z.ZodType<T>, timeoutMs: number): Promise<T> {
    const body = await this.#send(path, { method: 'GET', signal: AbortSignal.timeout(timeoutMs) });
    return this.#asked(async () => reply.parse(await body.json()));
  }

  async post(path: string, content: object, signal: AbortSignal): Promise<void> {
    const body = await this.#send(path, { method: 'POST', body: JSON.stringify(content), signal });
    await this.#asked(() => body.dump());
  }

  /** A call that answers with lines of progress: what went wrong after the first of them comes as one, with status 200. */
  async follow(
    path: string,
    content: object,
    signal: AbortSignal,
    onLine?: (line: Line) => void,
  ): Promise<void> {
    const body = await this.#send(path, { method: 'POST', body: JSON.stringify(content), signal });
    let last: Line = {};
    await this.#asked(async () => {
      for await (const value of readJsonLines(body)) {
        last = lineSchema.parse(value);
        if (last.error !== undefined) return body.destroy();
        onLine?.(last);
      }
      return undefined;
    });
    if (last.error !== undefined) throw new OllamaError('refused', last.error);
    if (last.status !== 'success') throw new OllamaError('away', 'Ollama broke off before it was done');
  }

  async upload(digest: string, file: string, signal: AbortSignal): Promise<void> {
    const path = `/api/blobs/${digest}`;
    try {
      await this.#send(path, { method: 'HEAD', signal });
    } catch (error) {
      if (!(error instanceof OllamaError) || error.kind !== 'no_model') throw error;
      const body = await this.#send(path, { method: 'POST', body: createReadStream(file), signal });
      await this.#asked(() => body.dump());
    }
  }

  async #send(
    path: string,
    options: Pick<Dispatcher.RequestOptions, 'method' | 'body'> & { readonly signal: AbortSignal },
  ): Promise<Dispatcher.ResponseData['body']> {
    const { statusCode, body } = await this.#asked(() =>
      request(`${this.#baseUrl}${path}`, { dispatcher: this.#dispatcher, ...options }),
    );
    if (statusCode < 300) return body;
    const text = await this.#asked(() => body.text());
    throw new OllamaError(statusCode === 404 ? 'no_model' : 'refused', messageOf(text, statusCode));
  }

  async #asked<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new OllamaError('away', `Ollama at ${this.#baseUrl} does not answer as it should: ${why}`, {
        cause,
      });
    }
  }
}

function messageOf(text: string, statusCode: number): string {
  try {
    return errorSchema.parse(JSON.parse(text)).error;
  } catch {
    return `Ollama replied ${statusCode}`;
  }
}

/** Sums what the layers of a model say, each of which counts its own bytes. */
class Progress {
  readonly #layers = new Map<string, { readonly total: number; readonly completed: number }>();
  readonly #onPercent: (percent: number) => void;

  constructor(onPercent: (percent: number) => void) {
    this.#onPercent = onPercent;
  }

  take({ digest, total, completed = 0 }: Line): void {
    if (digest === undefined || total === undefined || total <= 0) return;
    this.#layers.set(digest, { total, completed });
    const sum = (member: 'total' | 'completed'): number =>
      [...this.#layers.values()].reduce((all, layer) => all + layer[member], 0);
    this.#onPercent(Math.min(100, (100 * sum('completed')) / sum('total')));
  }
}

async function sha256(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(file), hash, { signal });
  } catch (cause) {
    throw new OllamaError('refused', `${file} cannot be read`, { cause });
  }
  return hash.digest('hex');
}
