import type { Database, Transaction } from '../database.ts';
import { isReady, readSituation } from '../inference/situation.ts';

/** A model that a live node has. */
export interface AvailableModel {
  readonly name: string;
  /** Whether one of the nodes has it in memory. */
  readonly loaded: boolean;
}

/** Models of the nodes that can be asked now, in order of name. */
export async function listAvailableModels(db: Database | Transaction): Promise<readonly AvailableModel[]> {
  const { nodes } = await readSituation(db);
  const models = nodes.flatMap((node) => (node.live && isReady(node) ? (node.inference?.models ?? []) : []));
  const loaded = new Set(models.flatMap((model) => (model.loaded ? [model.name] : [])));
  const names = [...new Set(models.map(({ name }) => name))].sort();
  return names.map((name) => ({ name, loaded: loaded.has(name) }));
}

/** What the project manager's model is shown at most; null until one was chosen. */
export async function readPmContextTokens(db: Database | Transaction): Promise<number | null> {
  const row = await db.selectFrom('pm_model').select('context_tokens').executeTakeFirst();
  return row?.context_tokens ?? null;
}
