import { request, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';

/** A Docker Engine that answers. */
export interface DockerEngine {
  /** Address as in `DOCKER_HOST`, e.g. `unix:///var/run/docker.sock`. */
  host: string;
}

/** A call of the Engine's HTTP API; the set-up needs so few that no `docker` program has to be there. */
interface Call {
  method: 'GET' | 'POST' | 'DELETE';
  /** With its query, e.g. `/images/json?all=1`. */
  path: string;
  body?: Readable | string;
  timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 120_000;

/** Makes the call and gives the reply as soon as its head has come. Rejects when the engine cannot be reached. */
export async function callDocker(engine: DockerEngine, call: Call): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...addressOf(engine.host),
        method: call.method,
        path: call.path,
        headers: {
          host: 'docker',
          'content-type': typeof call.body === 'string' ? 'application/json' : 'application/x-tar',
        },
        signal: AbortSignal.timeout(call.timeoutMs ?? DEFAULT_TIMEOUT_MS),
      },
      resolve,
    );
    outgoing.once('error', reject);
    const body =
      typeof call.body === 'string' ? Readable.from([call.body]) : (call.body ?? Readable.from([]));
    pipeline(body, outgoing).catch(reject);
  });
}

/** Makes the call and gives the whole reply. Throws when the engine refuses, also in the middle of a stream of progress. */
export async function askDocker(engine: DockerEngine, call: Call): Promise<string> {
  const reply = await callDocker(engine, call);
  const content = await text(reply);
  const refused = (reply.statusCode ?? 500) >= 400;
  if (refused || content.includes('"errorDetail"')) throw new Error(`Docker: ${content.trim()}`);
  return content;
}

function addressOf(host: string): { socketPath: string } | { host: string; port: string } {
  const url = new URL(host);
  return url.protocol === 'unix:'
    ? { socketPath: url.pathname }
    : { host: url.hostname, port: url.port || '2375' };
}
