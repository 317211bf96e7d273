import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OLLAMA_ROUTES } from './ollama.ts';
import { OPENAI_ROUTES } from './openai.ts';
import type {
  ModelCall,
  ModelReply,
  ModelScript,
  ModelServerState,
  ScriptedModel,
  ScriptedPull,
} from './script.ts';
import { sendJson } from './speak.ts';

export type { ModelCall, ModelReply, ModelScript, ScriptedModel, ScriptedPull } from './script.ts';

export interface ModelServerOptions {
  /** Models that are there; absent: `tiny:latest`, loaded. */
  readonly models?: readonly ScriptedModel[];
  /** Answered under this path too, as a node's proxy does: `/v1/worker/inference`. */
  readonly prefix?: string;
  readonly port?: number;
}

const ROUTES = { ...OLLAMA_ROUTES, ...OPENAI_ROUTES };
const DEFAULT_SIZE_BYTES = 98_000_000;

/**
 * A model server over real HTTP, in Ollama's and OpenAI's formats, that says what it is told to say: `answer` for all
 * calls, `next` for the coming ones. Every call is recorded. Routes that it does not have are answered with 404 and
 * listed in `unexpected`.
 */
export class ModelServer implements AsyncDisposable {
  readonly calls: ModelCall[] = [];
  readonly unexpected: string[] = [];
  readonly models = new Map<string, { sizeBytes: number; loaded: boolean }>();
  /** How pulls of these models go; others end with an error. */
  readonly pulls = new Map<string, ScriptedPull>();
  /** When set, calls without it are refused with 401. */
  bearer: string | undefined;
  readonly #options: ModelServerOptions;
  readonly #state: ModelServerState;
  readonly #next: ModelReply[] = [];
  #script: ModelScript = () => ({});
  #server: Server;
  #port = 0;

  private constructor(options: ModelServerOptions) {
    this.#options = options;
    for (const { name, sizeBytes, loaded } of options.models ?? [{ name: 'tiny:latest', loaded: true }])
      this.models.set(name, { sizeBytes: sizeBytes ?? DEFAULT_SIZE_BYTES, loaded: loaded ?? false });
    this.#state = {
      models: this.models,
      pullOf: (model) => this.pulls.get(model),
      replyTo: (call) => this.#next.shift() ?? this.#script(call),
    };
    this.#server = this.#create();
  }

  static async start(options: ModelServerOptions = {}): Promise<ModelServer> {
    const server = new ModelServer(options);
    await server.#listen(options.port ?? 0);
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.#port)}`;
  }

  /** How calls are answered from now on. */
  answer(script: ModelScript | ModelReply): void {
    this.#script = typeof script === 'function' ? script : () => script;
  }

  /** How the coming calls are answered, one after the other, before `answer` holds again. */
  next(...replies: readonly ModelReply[]): void {
    this.#next.push(...replies);
  }

  /** Calls of a route, such as `POST /api/chat`. */
  callsTo(route: string): ModelCall[] {
    return this.calls.filter(({ method, path }) => `${method} ${path}` === route);
  }

  /** Dies: nobody listens any more and open connections are broken. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Comes back on the same port with the same models, none of them loaded, as after a crash. */
  async restart(): Promise<void> {
    await this.stop();
    for (const model of this.models.values()) model.loaded = false;
    this.#server = this.#create();
    await this.#listen(this.#port);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #create(): Server {
    return createServer((request, response) => void this.#serve(request, response));
  }

  async #listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
    // A server that listens on TCP has such an address.
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await recordOf(request, this.#options.prefix ?? '');
    this.calls.push(call);
    response.once('close', () => {
      if (call.outcome === 'open') call.outcome = response.writableFinished ? 'answered' : 'gone';
    });
    if (this.bearer !== undefined && call.bearer !== this.bearer)
      return sendJson(response, 401, { error: 'unauthorized' });
    const name = `${call.method} ${call.path}`;
    const route = ROUTES[name];
    if (route === undefined) {
      this.unexpected.push(name);
      return sendJson(response, 404, { error: 'not scripted' });
    }
    await route(response, call, this.#state);
  }
}

export function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  return ModelServer.start(options);
}

async function recordOf(request: IncomingMessage, prefix: string): Promise<ModelCall> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += String(chunk);
  const body: unknown = text === '' ? undefined : JSON.parse(text);
  const path = new URL(request.url ?? '/', 'http://model').pathname;
  return {
    method: request.method ?? '',
    path: path.startsWith(prefix) ? path.slice(prefix.length) || '/' : path,
    bearer: request.headers.authorization?.replace(/^Bearer /, ''),
    body,
    model: modelOf(body),
    outcome: 'open',
  };
}

function modelOf(body: unknown): string {
  if (typeof body !== 'object' || body === null) return '';
  const model: unknown = Reflect.get(body, 'model') ?? Reflect.get(body, 'name');
  return typeof model === 'string' ? model : '';
}
