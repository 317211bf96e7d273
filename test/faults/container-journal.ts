import { createInterface } from 'node:readline';
import { z } from 'zod';
import { askDocker, callDocker, type DockerEngine } from '../../scripts/engines/docker-api.ts';
import { sleep } from '../../scripts/engines/processes.ts';
import { leftContainers, listedContainersSchema } from './left-containers.ts';

/** When the container of an attempt ran, by Docker's own events: since its start, or since a job took one that ran already. */
export interface ContainerRun {
  readonly jobId: string;
  readonly attempt: number;
  readonly node: string;
  readonly startedAtMs: number;
  /** Null while it runs. */
  diedAtMs: number | null;
}

export interface ContainerJournal extends Disposable {
  readonly runs: readonly ContainerRun[];
  /** Containers of our nodes that should not be there at rest. */
  list(): Promise<string[]>;
}

const RECONNECT_MS = 200;
const FOREVER_MS = 2 ** 31 - 1;
const NANO_PER_MS = 1e6;

const eventSchema = z.object({
  Action: z.string(),
  timeNano: z.number(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()) }),
});
type ContainerEvent = z.infer<typeof eventSchema>;

/** Follows the events of the containers whose node's slug starts with the prefix, across restarts of the engine. */
export function followContainers(docker: DockerEngine, nodePrefix: string): ContainerJournal {
  const runs = new Map<string, ContainerRun>();
  const seen = new Set<string>();
  let closed = false;
  let close = (): void => undefined;
  let sinceMs = Date.now();

  const note = (event: ContainerEvent): void => {
    const { Attributes: labels, ID: id } = event.Actor;
    if (!labels['cynodeai.node']?.startsWith(nodePrefix)) return;
    const atMs = event.timeNano / NANO_PER_MS;
    const key = `${id} ${event.Action} ${event.timeNano}`;
    if (seen.has(key)) return; // a stream that was taken up again repeats some
    seen.add(key);
    sinceMs = Math.max(sinceMs, atMs);
    const attempt = attemptOfContainer(labels['name'] ?? '');
    if (attempt !== null && (event.Action === 'start' || event.Action === 'rename')) {
      runs.set(id, {
        ...attempt,
        node: labels['cynodeai.node'],
        startedAtMs: atMs,
        diedAtMs: null,
      });
    }
    const run = runs.get(id);
    if (run !== undefined && (event.Action === 'die' || event.Action === 'destroy')) run.diedAtMs ??= atMs;
  };
  const follow = async (): Promise<void> => {
    const filters = encodeURIComponent(JSON.stringify({ type: ['container'], label: ['cynodeai.node'] }));
    const since = (sinceMs / 1000 - 1).toFixed(3);
    const path = `/events?since=${since}&filters=${filters}`;
    const stream = await callDocker(docker, { method: 'GET', path, timeoutMs: FOREVER_MS });
    close = () => stream.destroy();
    for await (const line of createInterface({ input: stream })) {
      if (line.trim() !== '') note(eventSchema.parse(JSON.parse(line)));
    }
  };
  const followAlways = async (): Promise<void> => {
    while (!closed) {
      await follow().catch(() => undefined);
      if (!closed) await sleep(RECONNECT_MS);
    }
  };
  void followAlways();

  return {
    get runs() {
      return [...runs.values()];
    },
    list: () => listContainers(docker, nodePrefix),
    [Symbol.dispose]: () => {
      closed = true;
      close();
    },
  };
}

async function listContainers(docker: DockerEngine, nodePrefix: string): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: ['cynodeai.node'] }));
  const path = `/containers/json?all=1&filters=${filters}`;
  const listed = await askDocker(docker, { method: 'GET', path });
  return leftContainers(listedContainersSchema.parse(JSON.parse(listed)), nodePrefix);
}

/** The name is the truth: labels are given before the job of a prepared container is known. */
function attemptOfContainer(name: string): Pick<ContainerRun, 'jobId' | 'attempt'> | null {
  const [, jobId, attempt] = /^cynodeai-job-(.+)-(\d+)$/.exec(name) ?? [];
  return jobId === undefined ? null : { jobId, attempt: Number(attempt) };
}
