import { Agent } from 'node:http';
import { Duplex } from 'node:stream';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import { z } from 'zod';
import { sleep } from '../../platform/clock.ts';
import { toCreateOptions } from './create-options.ts';
import { createDemultiplexer, type OutputSinks } from './demultiplex.ts';
import {
  EngineError,
  type Attachment,
  type ContainerEngine,
  type EngineErrorKind,
  type EngineInfo,
  type InputAttachment,
  type OwnContainer,
} from './engine.ts';
import { isIdlePoolContainer, LABEL, type NodeIdentity } from './names.ts';
import type { ContainerPlan } from './plan.ts';
import { toServiceOptions } from './service-container.ts';
import { toSidecarOptions } from './sidecar.ts';

const SECOND_MS = 1000;
/** Bound of one call, so that an engine that hangs counts as one that fails. */
const CALL_TIMEOUT_MS = 60 * SECOND_MS;

/**
 * The Docker Engine behind our port.
 * @param host as in `DOCKER_HOST`: `unix:///path` or `tcp://host:port`
 */
export function createDockerEngine(host: string): ContainerEngine {
  const docker = new Docker(connectionOf(host));
  return {
    ping: async (timeoutMs) => {
      await guarded(within(timeoutMs, docker.ping()));
    },
    info: () => readInfo(docker),
    imageId: async (image) => imageId(docker, image),
    create: async (plan) => create(docker, plan),
    createService: async (plan) => {
      await guarded(docker.createContainer({ ...toServiceOptions(plan), abortSignal: callTimeout() }));
    },
    createSidecar: async (plan) => {
      await guarded(docker.createContainer({ ...toSidecarOptions(plan), abortSignal: callTimeout() }), {
        404: 'image_missing',
        409: 'name_taken',
      });
    },
    exec: async (name, argv, input, until) => exec(docker.getContainer(name), argv, input, until),
    attach: async (name, sinks) => attach(docker, name, sinks),
    attachInput: async (name, sinks) => attachInput(docker, name, sinks),
    rename: async (name, newName) => {
      const options = { name: newName, abortSignal: callTimeout() };
      await guarded(docker.getContainer(name).rename(options), { 409: 'name_taken' });
    },
    imageFacts: async (name) => {
      const { Image, Config } = await guarded(
        docker.getContainer(name).inspect({ abortSignal: callTimeout() }),
      );
      return { imageId: Image, env: Config.Env ?? [] };
    },
    start: async (name) => {
      await guarded(docker.getContainer(name).start({ abortSignal: callTimeout() }));
    },
    wait: async (name) => {
      const reply: unknown = await guarded(docker.getContainer(name).wait());
      return waitReplySchema.parse(reply).StatusCode;
    },
    wasOutOfMemory: async (name) => {
      const state = await guarded(docker.getContainer(name).inspect({ abortSignal: callTimeout() }));
      return state.State.OOMKilled;
    },
    remove: async (name) => remove(docker, name),
    pull: async (image, signal) => pull(docker, image, signal),
    listOwn: async (identity) => listOwn(docker, identity),
  };
}

const waitReplySchema = z.object({ StatusCode: z.number().int() });

const infoSchema = z.object({
  ServerVersion: z.string(),
  SecurityOptions: z.array(z.string()).nullish(),
  CgroupVersion: z.string().default('1'),
  NCPU: z.number(),
});

/**
 * docker-modem puts the agent with all its sockets into words at each call, whether anybody logs them or not: 10 ms in
 * which a node does nothing else.
 */
class TerseAgent extends Agent {
  [inspect.custom](): string {
    return 'Agent';
  }
}

function connectionOf(host: string): Docker.DockerOptions {
  // No kept connections: one from before a restart of the engine would fail the next call.
  const agent = new TerseAgent({ keepAlive: false });
  const url = new URL(host);
  const address =
    url.protocol === 'unix:'
      ? { socketPath: url.pathname }
      : { host: url.hostname, port: Number(url.port || '2375'), protocol: 'http' as const };
  return { ...address, ...{ agent } };
}

/** For calls that take no abort signal. */
async function within<T>(timeoutMs: number, call: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = sleep(timeoutMs, timer.signal).then((): never => {
    throw new Error(`no answer within ${timeoutMs} ms`);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    late.catch(() => undefined);
    timer.abort();
  }
}

/** The same for a call that gives a connection: nobody would close one that comes too late, nor hear of its end. */
async function connectionWithin<T extends NodeJS.ReadWriteStream>(call: Promise<T>): Promise<T> {
  let late = false;
  const connected = call.then((stream) => {
    stream.on('error', () => undefined);
    if (late) hangUp(stream);
    return stream;
  });
  try {
    return await within(CALL_TIMEOUT_MS, connected);
  } catch (error) {
    late = true;
    throw error;
  }
}

function callTimeout(): AbortSignal {
  return AbortSignal.timeout(CALL_TIMEOUT_MS);
}

async function readInfo(docker: Docker): Promise<EngineInfo> {
  const reply: unknown = await guarded(within(CALL_TIMEOUT_MS, docker.info()));
  const info = infoSchema.parse(reply);
  const options = info.SecurityOptions ?? [];
  return {
    version: info.ServerVersion,
    rootless: options.some((option) => option.includes('name=rootless')),
    cgroupVersion: info.CgroupVersion,
    seccomp: options.some((option) => option.includes('name=seccomp') && !option.includes('unconfined')),
    cpuCores: info.NCPU,
  };
}

async function imageId(docker: Docker, image: string): Promise<string | null> {
  try {
    return (await guarded(within(CALL_TIMEOUT_MS, docker.getImage(image).inspect()))).Id;
  } catch (error) {
    if (error instanceof EngineError && error.kind === 'not_found') return null;
    throw error;
  }
}

async function create(docker: Docker, plan: ContainerPlan): Promise<string> {
  const container = await guarded(
    docker.createContainer({ ...toCreateOptions(plan), abortSignal: callTimeout() }),
    {
      404: 'image_missing',
      409: 'name_taken',
      400: 'rejected',
    },
  );
  return container.id;
}

async function attach(docker: Docker, name: string, sinks: OutputSinks): Promise<Attachment> {
  const connection = new AbortController();
  const stream = await guarded(
    docker
      .getContainer(name)
      .attach({ stream: true, stdout: true, stderr: true, abortSignal: connection.signal }),
  );
  return { ended: deliver(stream, sinks), [Symbol.dispose]: () => connection.abort() };
}

async function attachInput(docker: Docker, name: string, sinks: OutputSinks): Promise<InputAttachment> {
  const options = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true };
  const stream = await guarded(connectionWithin(docker.getContainer(name).attach(options)));
  return {
    ended: deliver(stream, sinks),
    write: (text) => void stream.write(text),
    [Symbol.dispose]: () => hangUp(stream),
  };
}

/** Once what was written is sent. The engine does not close its side for a container that never ran. */
function hangUp(stream: NodeJS.ReadWriteStream): void {
  stream.end(() => {
    if (stream instanceof Duplex) stream.destroy();
  });
}

async function exec(
  container: Docker.Container,
  argv: readonly string[],
  input: string,
  until: AbortSignal,
): Promise<void> {
  const options = { Cmd: [...argv], AttachStdin: true, AttachStdout: true, abortSignal: callTimeout() };
  const started = await guarded(container.exec(options));
  const connected = started.start({ hijack: true, stdin: true, abortSignal: until });
  const stream = await guarded(connectionWithin(connected));
  const letGo = (): void => void stream.destroy();
  until.addEventListener('abort', letGo, { once: true });
  if (until.aborted) letGo();
  stream.resume();
  stream.end(input);
}

/** Resolves when no more output can come. */
function deliver(stream: NodeJS.ReadableStream, sinks: OutputSinks): Promise<void> {
  const feed = createDemultiplexer(sinks);
  stream.on('data', (chunk: Buffer) => feed(chunk));
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  // An error is the end as well, and has to be listened to for as long as the stream lives.
  for (const event of ['end', 'close', 'error']) stream.on(event, () => resolve());
  return ended;
}

async function remove(docker: Docker, name: string): Promise<'gone' | 'busy'> {
  try {
    const options = { force: true, v: true, abortSignal: callTimeout() };
    await guarded(docker.getContainer(name).remove(options), { 409: 'name_taken' });
    return 'gone';
  } catch (error) {
    if (error instanceof EngineError && error.kind === 'not_found') return 'gone';
    if (error instanceof EngineError && error.kind === 'name_taken') return 'busy';
    throw error;
  }
}

async function pull(docker: Docker, image: string, signal: AbortSignal): Promise<void> {
  try {
    const progress = await docker.pull(image, { abortSignal: signal });
    // Failures after the first byte come as a line of the stream, with status 200.
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error) => (error === null ? resolve() : reject(error)));
    });
  } catch (error) {
    const reason = signal.aborted ? 'it took too long' : messageOf(error);
    throw new EngineError('image_missing', reason, { cause: error });
  }
}

async function listOwn(docker: Docker, identity: NodeIdentity): Promise<OwnContainer[]> {
  const containers = await guarded(
    docker.listContainers({
      all: true,
      filters: {
        label: [`${LABEL.node}=${identity.nodeSlug}`, `${LABEL.instance}=${identity.instanceId}`],
      },
      abortSignal: callTimeout(),
    }),
  );
  return containers.map(({ Id, Names }) => ({
    id: Id,
    idle: Names.some((name) => isIdlePoolContainer(name.replace(/^\//, ''))),
  }));
}

/** Turns what dockerode throws into an `EngineError` by its HTTP status. */
async function guarded<T>(
  call: Promise<T>,
  kinds: Partial<Record<number, EngineErrorKind>> = {},
): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const status = statusOf(error);
    const kind =
      (status === undefined ? undefined : kinds[status]) ?? (status === 404 ? 'not_found' : 'fault');
    throw new EngineError(kind, messageOf(error), { cause: error });
  }
}

function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** The engine's own words: dockerode puts its view of the status before them. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^\(HTTP code \d+\) .*? - /, '').trim();
}
