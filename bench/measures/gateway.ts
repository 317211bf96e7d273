import { Pool, type Dispatcher } from 'undici';
import { z } from 'zod';
import { PATHS } from '../../contracts/paths.ts';
import { findFreePort } from '../../scripts/engines/ports.ts';
import { openDatabase } from '../../schema/database.ts';
import { createTestDatabase } from '../../test/support/database.ts';
import { onRelease } from '../../test/support/engines/releases.ts';
import { seedUser } from '../../test/support/seed.ts';
import { eventually } from '../../test/support/wait.ts';
import { inParallel, interleave, type Side } from '../interleave.ts';
import { compared, type Row } from '../report/result.ts';
import { startChild } from '../rig/child.ts';
import type { OwnStack } from '../rig/rig.ts';
import type { BenchContext } from './context.ts';

const CONNECTIONS = 16;
const GETS_A_ROUND = 3_000;
const CREATES_A_ROUND = 100;
const CREATE_ROUNDS = 3;

interface Target {
  readonly name: string;
  readonly url: string;
  readonly getPath: string;
  readonly createPath: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Resolves when what was created is done with. */
  readonly drained: (ids: readonly string[]) => Promise<void>;
}

/** Reading and creating a task, beside Fastify that does the same queries and nothing else. */
export async function measureGateway(context: BenchContext): Promise<readonly Row[]> {
  const own = await context.rig.noop('several');
  const taskId = await own.user.runTask();
  const targets = [gatewayTarget(own, taskId), await startBareGateway(context, own, taskId)];
  const gets = await interleave(
    context.rounds,
    targets.map((target) => sideOf(target, (pool) => get(pool, target))),
  );
  const creates = await interleave(
    CREATE_ROUNDS,
    targets.map((target) => sideOf(target, (pool) => create(pool, target))),
  );
  const head = { section: 'gateway', unit: '1/s' } as const;
  const [[ours, other], [oursToCreate, otherToCreate]] = [gets, creates];
  if (ours === undefined || other === undefined || oursToCreate === undefined || otherToCreate === undefined)
    return [];
  return [
    compared({ ...head, what: 'GET of a task' }, ours, other, { is: 'at least', target: 0.5 }),
    compared({ ...head, what: 'POST of a task, its workflow started' }, oursToCreate, otherToCreate),
  ];
}

function gatewayTarget({ stack, user }: OwnStack, taskId: string): Target {
  return {
    name: 'gateway',
    url: stack.gatewayUrl,
    getPath: `${PATHS.tasks}/${taskId}`,
    createPath: PATHS.tasks,
    headers: { authorization: user.authorization },
    drained: async (ids) => {
      for (const id of ids) await user.completed(id);
    },
  };
}

async function startBareGateway({ rig }: BenchContext, own: OwnStack, taskId: string): Promise<Target> {
  const database = await createTestDatabase();
  onRelease(() => database.drop());
  const opened = openDatabase({ url: database.url, poolSize: 1, onIdleError: () => undefined });
  const writer = await seedUser(opened.db);
  await opened[Symbol.asyncDispose]();
  const reader = await own.user.call('GET', PATHS.me, z.object({ id: z.string() }));
  const port = String(await findFreePort());
  await startChild(rig.run, 'bare gateway', 'bare/gateway.ts', [
    ...[port, own.stack.database.url, database.url, reader.id, writer.id],
  ]);
  const target = {
    name: 'bare fastify',
    url: `http://127.0.0.1:${port}`,
    getPath: `/tasks/${taskId}`,
    createPath: '/tasks',
    headers: {},
    drained: async () => undefined,
  };
  await eventually('bare fastify answers', async () => (await fetch(`${target.url}${target.getPath}`)).ok);
  return target;
}

/** Requests a second. */
function sideOf(target: Target, load: (pool: Pool) => Promise<number>): Side {
  return {
    name: target.name,
    sample: async () => {
      const pool = new Pool(target.url, { connections: CONNECTIONS });
      try {
        return [await load(pool)];
      } finally {
        await pool.close();
      }
    },
  };
}

async function get(pool: Pool, target: Target): Promise<number> {
  const ms = await inParallel(GETS_A_ROUND, CONNECTIONS, () =>
    send(pool, { method: 'GET', path: target.getPath, headers: target.headers }),
  );
  return (GETS_A_ROUND * 1000) / ms;
}

const createdSchema = z.object({ id: z.string() });

async function create(pool: Pool, target: Target): Promise<number> {
  const ids: string[] = [];
  const ms = await inParallel(CREATES_A_ROUND, CONNECTIONS, async () => {
    const text = await send(pool, {
      method: 'POST',
      path: target.createPath,
      headers: { ...target.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'true', input_mode: 'script' }),
    });
    ids.push(createdSchema.parse(JSON.parse(text)).id);
  });
  await target.drained(ids);
  return (CREATES_A_ROUND * 1000) / ms;
}

async function send(pool: Pool, request: Dispatcher.RequestOptions): Promise<string> {
  const { statusCode, body } = await pool.request(request);
  const text = await body.text();
  if (statusCode >= 300) throw new Error(`${request.path}: ${String(statusCode)} ${text}`);
  return text;
}
