import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toProblem, type ErrorCode } from '../../../contracts/errors.ts';
import { rfc3339 } from '../../../contracts/ids.ts';
import type { NodeConfig } from '../../../contracts/nodes.ts';
import { PATHS } from '../../../contracts/paths.ts';

/** A call that the node made. */
export interface RecordedCall {
  readonly method: string;
  readonly path: string;
  readonly bearer: string | undefined;
  readonly body: unknown;
}

export interface ScriptedReply {
  readonly status: number;
  readonly body?: unknown;
  /** Closes the connection instead of replying; the call still counts as received. */
  readonly hangUp?: boolean;
}

type Handler = (call: RecordedCall) => ScriptedReply | undefined;

export interface FakeControlPlaneOptions {
  readonly slug: string;
  readonly psk: string;
  /** Life of the tokens it issues, in milliseconds; counted to the millisecond, unlike their times on the wire. */
  readonly tokenLifeMs?: number;
  readonly config?: Partial<NodeConfig>;
  /** As upstream's: no incarnations. */
  readonly isUpstream?: boolean;
}

export const FAKE_WORKER_TOKEN = 'worker-token-of-the-tests';

/** The reply of a problem from the error table. */
export function problemReply(code: ErrorCode, detail = code as string): ScriptedReply {
  const problem = toProblem(code, detail);
  return { status: problem.status, body: problem };
}

/**
 * A control plane over real HTTP that does as the contract says (§7, §8) and as it is told by `script`. Anything else is
 * answered with 501, and `unexpected` lists it.
 */
export class FakeControlPlane implements AsyncDisposable {
  readonly calls: RecordedCall[] = [];
  readonly unexpected: string[] = [];
  config: NodeConfig;
  incarnation = 0;
  ready = true;
  tokenLifeMs: number;
  readonly #options: FakeControlPlaneOptions;
  readonly #server: Server;
  readonly #tokens = new Map<string, { readonly expiresAtMs: number; readonly incarnation: number }>();
  readonly #scripts: { readonly key: string; readonly handler: Handler }[] = [];
  #origin = '';

  private constructor(options: FakeControlPlaneOptions) {
    this.#options = options;
    this.tokenLifeMs = options.tokenLifeMs ?? 3_600_000;
    this.config = this.#configOf(options);
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(options: FakeControlPlaneOptions, port = 0): Promise<FakeControlPlane> {
    const fake = new FakeControlPlane(options);
    await new Promise<void>((resolve) => fake.#server.listen(port, '127.0.0.1', resolve));
    const address = fake.#server.address() as AddressInfo;
    fake.#origin = `http://127.0.0.1:${String(address.port)}`;
    fake.config = fake.#configOf(options);
    return fake;
  }

  get url(): string {
    return this.#origin;
  }

  /** Has a path answered by the handler first; `undefined` leaves it to the ordinary answer. */
  script(method: string, path: string, handler: Handler): void {
    this.#scripts.unshift({ key: `${method} ${path}`, handler });
  }

  callsTo(method: string, path: string): RecordedCall[] {
    return this.calls.filter((call) => call.method === method && call.path === path);
  }

  /** Resolves with the n-th call to a path. */
  async waitForCall(method: string, path: string, count = 1, timeoutMs = 20_000): Promise<RecordedCall> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const call = this.callsTo(method, path)[count - 1];
      if (call !== undefined) return call;
      if (performance.now() > deadlineMs) {
        throw new Error(`call ${String(count)} to ${method} ${path} did not come in time`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #configOf({ slug, config }: FakeControlPlaneOptions): NodeConfig {
    return {
      version: 1,
      config_version: '01J0000000000000000000000A',
      issued_at: rfc3339(new Date()),
      node_slug: slug,
      orchestrator: {
        base_url: this.#origin,
        endpoints: { worker_api_target_url: '', node_report_url: `${this.#origin}${PATHS.nodeCapability}` },
      },
      worker_api: { orchestrator_bearer_token: FAKE_WORKER_TOKEN },
      ...config,
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await recordOf(request);
    this.calls.push(call);
    const key = `${call.method} ${call.path}`;
    const scripted = this.#scripts.filter((script) => script.key === key);
    let reply: ScriptedReply | undefined;
    for (const { handler } of scripted) reply ??= handler(call);
    reply ??= this.#ordinary(key, call);
    if (reply === undefined) this.unexpected.push(key);
    send(response, reply ?? { status: 501 });
  }

  #ordinary(key: string, call: RecordedCall): ScriptedReply | undefined {
    if (key === `GET ${PATHS.readyz}`) return { status: this.ready ? 200 : 503 };
    if (key === `POST ${PATHS.nodeRegister}`) return this.#register(call);
    if (!call.path.startsWith('/v1/nodes/')) return undefined;
    if (!this.#isValid(call.bearer)) return problemReply('authentication');
    switch (key) {
      case `GET ${PATHS.nodeConfig}`:
        return { status: 200, body: { ...this.config, issued_at: rfc3339(new Date()) } };
      case `POST ${PATHS.nodeConfig}`:
      case `POST ${PATHS.nodeCapability}`:
      case `POST ${PATHS.nodeContact}`:
        return { status: 204 };
      default:
        return undefined;
    }
  }

  #isValid(bearer: string | undefined): boolean {
    const token = this.#tokens.get(bearer ?? '');
    if (token === undefined || token.expiresAtMs < performance.now()) return false;
    return token.incarnation === this.incarnation;
  }

  #register({ body }: RecordedCall): ScriptedReply {
    const { psk, agent } = body as { psk: string; agent?: { incarnation?: number } };
    if (psk !== this.#options.psk) return problemReply('authentication');
    if (agent?.incarnation === undefined) this.incarnation += 1;
    else if (agent.incarnation !== this.incarnation) return problemReply('authentication');
    const token = `node-jwt-${String(this.#tokens.size + 1)}`;
    this.#tokens.set(token, {
      expiresAtMs: performance.now() + this.tokenLifeMs,
      incarnation: this.incarnation,
    });
    return { status: 200, body: this.#bootstrap(token) };
  }

  #bootstrap(token: string): unknown {
    const now = Date.now();
    return {
      version: 1,
      issued_at: rfc3339(new Date(now)),
      orchestrator: {
        base_url: this.#origin,
        endpoints: {
          worker_registration_url: `${this.#origin}${PATHS.nodeRegister}`,
          node_report_url: `${this.#origin}${PATHS.nodeCapability}`,
          node_config_url: `${this.#origin}${PATHS.nodeConfig}`,
        },
      },
      auth: { node_jwt: token, expires_at: rfc3339(new Date(now + this.tokenLifeMs)) },
      ...(this.#options.isUpstream === true ? {} : { incarnation: this.incarnation }),
    };
  }
}

async function recordOf(request: IncomingMessage): Promise<RecordedCall> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    method: request.method ?? '',
    path: (request.url ?? '').split('?')[0] ?? '',
    bearer: request.headers.authorization?.replace(/^Bearer /, ''),
    body: text === '' ? undefined : JSON.parse(text),
  };
}

function send(response: ServerResponse, reply: ScriptedReply): void {
  if (reply.hangUp === true) {
    response.destroy();
    return;
  }
  const problem = reply.status >= 400 && reply.body !== undefined;
  response.writeHead(reply.status, {
    'content-type': problem ? 'application/problem+json' : 'application/json',
  });
  response.end(reply.body === undefined ? '' : JSON.stringify(reply.body));
}
