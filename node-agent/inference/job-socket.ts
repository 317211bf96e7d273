import { chmod, chown, mkdir, open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { JobModelUse } from '../../contracts/jobs.ts';
import { PATHS } from '../../contracts/paths.ts';
import type { Logger } from '../../platform/logger.ts';
import type { SandboxUser } from '../sandbox/index.ts';
import { JobUsage } from './job-usage.ts';
import type { InferenceProxy } from './proxy.ts';

/** Name of the socket in the folder that is mounted (contract §13.3). */
const SOCKET_FILE = 'inference-proxy.sock';

export interface JobSocketOptions {
  /** Made here; nobody but the user can look into it. */
  readonly folder: string;
  /** Who may connect. */
  readonly user: SandboxUser;
  readonly proxy: Pick<InferenceProxy, 'serve'>;
  /** Tokens that its calls may use; absent: as many as they like. */
  readonly tokens?: number | undefined;
  /** With the ids of the job. */
  readonly logger: Logger;
}

/** Connections of one job at a time. */
const MAX_CONNECTIONS = 64;
const HEADERS_MS = 30_000;

/** The way of one attempt to the models of its node: who speaks through it is that attempt. */
export class JobSocket implements AsyncDisposable {
  readonly #server: Server;
  readonly #over = new AbortController();
  readonly #reached = Promise.withResolvers<void>();
  readonly #usage: JobUsage;
  readonly #inHand = new Set<Promise<void>>();

  private constructor({ proxy, logger, tokens }: JobSocketOptions) {
    this.#usage = new JobUsage(tokens);
    const caller = { kind: 'job', logger, over: this.#over.signal, usage: this.#usage } as const;
    const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const [path = ''] = (request.url ?? '').split('?');
      if (path !== PATHS.healthz) return this.#keep(proxy.serve(request, response, path, caller));
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok\n');
      this.#reached.resolve();
    };
    this.#server = createServer(
      { headersTimeout: HEADERS_MS, requestTimeout: HEADERS_MS },
      (request, response) => void serve(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Listens from now on. */
  static async open(options: JobSocketOptions): Promise<JobSocket> {
    const { folder, user } = options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const socket = new JobSocket(options);
    await socket.#listen(folder);
    const path = join(folder, SOCKET_FILE);
    await chmod(path, 0o600);
    if (process.getuid?.() === 0) for (const each of [path, folder]) await chown(each, user.uid, user.gid);
    return socket;
  }

  /** Resolves when its health was asked for, and so somebody can reach it. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  /** What the job's calls have used: all of them once it is disposed. */
  get use(): readonly JobModelUse[] {
    return this.#usage.report();
  }

  /** Ends what goes on and listens no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
    await Promise.all(this.#inHand);
  }

  #keep(call: Promise<void>): Promise<void> {
    const kept = call.finally(() => this.#inHand.delete(kept));
    this.#inHand.add(kept);
    return kept;
  }

  /** By way of the open folder, because the path of a socket may have 107 bytes only. */
  async #listen(folder: string): Promise<void> {
    const handle = await open(folder);
    this.#server.once('close', () => void handle.close());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(`/proc/self/fd/${handle.fd}/${SOCKET_FILE}`, resolve);
    await promise;
  }
}
