import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { PATHS } from '../../../contracts/paths.ts';
import { createEnvelope } from '../../../platform/crypto/envelope.ts';
import { openDatabase } from '../../../schema/database.ts';
import type { Database } from '../../../schema/database.ts';
import { startModelServer } from '../model-server/model-server.ts';
import type { ModelServer } from '../model-server/model-server.ts';
import { seedNode } from '../seed.ts';
import { eventually } from '../wait.ts';
import type { Stack } from './stack.ts';

const MODEL = 'tiny:latest';
const BEARER = 'token-of-the-scripted-node';

/** A node of a stack that only has a model: rows in the database, and a scripted server where its proxy would be. */
export interface ScriptedNode extends AsyncDisposable {
  readonly server: ModelServer;
  readonly db: Database;
  /** It is not heard of any more, or is again; resolves when the gateway knows. */
  setAlive(alive: boolean): Promise<void>;
}

/** @param masterSecret `JWT_SECRET` of the stack, which seals the node's token. */
export async function startScriptedNode(stack: Stack, masterSecret: string): Promise<ScriptedNode> {
  const resources = new AsyncDisposableStack();
  const server = resources.use(await startModelServer({ prefix: PATHS.workerInference }));
  server.bearer = BEARER;
  const { db } = resources.use(
    openDatabase({ url: stack.database.url, poolSize: 2, onIdleError: () => undefined }),
  );
  // Plain HTTP, so that nobody looks for its agent.
  const { id, slug } = await seedNode(db, { slug: `model-${randomUUID().slice(0, 8)}`, transport: 'http' });
  const sealed = createEnvelope([masterSecret]).seal(BEARER, `node:${id}`);
  await sql`
    update nodes set worker_api_target_url = ${server.url}, worker_token_ciphertext = ${sealed.ciphertext},
      worker_token_kid = ${sealed.kid}, max_concurrency = 0 where id = ${id}
  `.execute(db);
  const models = JSON.stringify([{ name: MODEL, loaded: true }]);
  await sql`
    insert into node_inference (node_id, backend, kind, models, pulls, active, queued)
    values (${id}, 'ready', 'existing', ${models}::jsonb, '[]'::jsonb, 0, 0)
  `.execute(db);
  await sql`
    update pm_model set model = ${MODEL}, node_slug = ${slug}, context_tokens = 4096, state = 'warm'
  `.execute(db);
  const setAlive = async (alive: boolean): Promise<void> => {
    const at = new Date(Date.now() + (alive ? 3_600_000 : -60_000));
    await db.updateTable('nodes').set({ last_seen_at: at }).where('id', '=', id).execute();
    await eventually('it is known', async () => (await fetch(`${stack.gatewayUrl}/readyz`)).ok === alive);
  };
  await setAlive(true);
  return { server, db, setAlive, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
