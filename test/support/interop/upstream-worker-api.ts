import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the orchestrator sent to `jobs:run`. */
export interface ReceivedJob {
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly body: RunBody;
}

interface RunBody {
  readonly version: number;
  readonly task_id: string;
  readonly job_id: string;
  readonly sandbox: Readonly<Record<string, unknown>>;
}

/** Upstream's worker-api as the orchestrator sees it: a scripted reply, in the bytes that a Go program writes. */
export interface UpstreamWorkerApi extends AsyncDisposable {
  readonly url: string;
  readonly received: ReceivedJob[];
  /** Members of the next replies beside version and ids. */
  reply: Readonly<Record<string, unknown>>;
}

export async function startUpstreamWorkerApi(): Promise<UpstreamWorkerApi> {
  const received: ReceivedJob[] = [];
  const server = createServer((request, response) => {
    void readAll(request).then((text) => {
      if (request.method !== 'POST' || request.url !== '/v1/worker/jobs:run') {
        response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
        return;
      }
      // The test states the shape that it then checks.
      const body = JSON.parse(text) as RunBody;
      const { authorization, 'content-type': contentType } = request.headers;
      received.push({ authorization, contentType, body });
      const reply = { version: 1, task_id: body.task_id, job_id: body.job_id, ...worker.reply };
      response.writeHead(200, { 'content-type': 'application/json' }).end(goJson(reply));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const worker: UpstreamWorkerApi = {
    url: `http://127.0.0.1:${String(port)}`,
    received,
    reply: {},
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return worker;
}

function goJson(value: unknown): string {
  const escaped = JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e')
    .replaceAll('&', '\\u0026');
  return `${escaped}\n`;
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString('utf8');
}
