import { randomUUID } from 'node:crypto';
import type { Database } from '../../schema/database.ts';

/** Rows that a test needs before its subject. Each function makes what it names and returns the ids. */

export interface SeededNode {
  readonly id: string;
  readonly slug: string;
  readonly incarnation: number;
}

/** An active node that was heard of just now. */
export async function seedNode(
  db: Database,
  options: { readonly slug?: string; readonly slots?: number; readonly transport?: 'temporal' | 'http' } = {},
): Promise<SeededNode> {
  const id = randomUUID();
  const slug = options.slug ?? `node-${id.slice(0, 8)}`;
  await db
    .insertInto('nodes')
    .values({
      id,
      node_slug: slug,
      status: 'active',
      incarnation: 1,
      instance_id: randomUUID(),
      transport: options.transport ?? 'temporal',
      lease_held: true,
      max_concurrency: options.slots ?? 4,
      config_version: '1',
      config_ack_status: 'applied',
      worker_api_target_url: 'http://127.0.0.1:9',
      worker_token_ciphertext: Buffer.from('sealed'),
      worker_token_kid: 'test',
      last_seen_at: new Date(),
    })
    .execute();
  return { id, slug, incarnation: 1 };
}

export interface SeededUser {
  readonly id: string;
  readonly projectId: string;
}

export async function seedUser(db: Database): Promise<SeededUser> {
  const id = randomUUID();
  const projectId = randomUUID();
  await db
    .insertInto('users')
    .values({ id, handle: `user-${id.slice(0, 8)}` })
    .execute();
  await db
    .insertInto('projects')
    .values({ id: projectId, slug: `default-${id}`, display_name: 'Default Project', owner_id: id })
    .execute();
  return { id, projectId };
}

export interface SeededTask {
  readonly taskId: string;
  readonly jobIds: readonly [string, ...string[]];
}

/** A pending task with queued jobs, as the gateway writes them. */
export async function seedTask(
  db: Database,
  user: SeededUser,
  options: { readonly jobs?: number; readonly timeoutSeconds?: number; readonly script?: string } = {},
): Promise<SeededTask> {
  const taskId = randomUUID();
  await db
    .insertInto('tasks')
    .values({
      id: taskId,
      created_by: user.id,
      project_id: user.projectId,
      name: `task-${taskId}`,
      input_mode: 'script',
      prompt: options.script ?? 'true',
    })
    .execute();
  const jobIds = await Promise.all(
    Array.from({ length: options.jobs ?? 1 }, (_, index) => seedJob(db, taskId, index + 1, options)),
  );
  const [first, ...others] = jobIds;
  if (first === undefined) throw new Error('a seeded task has at least one job');
  return { taskId, jobIds: [first, ...others] };
}

async function seedJob(
  db: Database,
  taskId: string,
  ordinal: number,
  options: { readonly timeoutSeconds?: number; readonly script?: string },
): Promise<string> {
  const id = randomUUID();
  const payload = { version: 1, task_id: taskId, job_id: id, sandbox: { script: options.script ?? 'true' } };
  await db
    .insertInto('jobs')
    .values({
      id,
      task_id: taskId,
      ordinal,
      payload: JSON.stringify(payload),
      timeout_seconds: options.timeoutSeconds ?? 60,
    })
    .execute();
  return id;
}
