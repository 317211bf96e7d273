import { sql } from 'kysely';
import { ulid } from 'ulid';
import type { NodeConfigSettings } from '../../contracts/nodes.ts';
import type { Database } from '../database.ts';
import { isNode, noSuchNode } from './queries.ts';

export interface ChangedConfig {
  readonly slug: string;
  /** ULID of the configuration that the node shall apply. */
  readonly configVersion: string;
}

/** Replaces what an administrator set for a node, under a new version. @throws CynodeError `not_found` */
export async function changeNodeConfig(
  db: Database,
  idOrSlug: string,
  settings: NodeConfigSettings,
): Promise<ChangedConfig> {
  const { rows } = await sql<ChangedConfig>`
    update nodes n set config_settings = ${JSON.stringify(settings)}::jsonb, config_version = ${ulid()},
      updated_at = now()
    where ${isNode(idOrSlug)}
    returning n.node_slug as slug, n.config_version as "configVersion"
  `.execute(db);
  if (rows[0] === undefined) throw noSuchNode();
  return rows[0];
}
