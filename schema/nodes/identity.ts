import { sql } from 'kysely';
import type { Transport } from '../../contracts/activities.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { Database } from '../database.ts';

export interface NodeIdentity {
  readonly nodeId: string;
  readonly slug: string;
  /** The one that may act; what older ones send is refused. */
  readonly incarnation: number;
  readonly transport: Transport;
}

/** The agent that reports: an incarnation of a node, as its token says. */
export interface Reporter {
  readonly nodeId: string;
  readonly incarnation: number;
}

/** These nodes, by id. One query. */
export async function findNodes(
  db: Database,
  nodeIds: readonly string[],
): Promise<ReadonlyMap<string, NodeIdentity>> {
  const rows = await db
    .selectFrom('nodes')
    .select(['id', 'node_slug', 'incarnation', 'transport'])
    .where('id', '=', sql<string>`any(${nodeIds}::uuid[])`)
    .execute();
  return new Map(
    rows.map(({ id: nodeId, node_slug: slug, incarnation, transport }) => [
      nodeId,
      { nodeId, slug, incarnation, transport },
    ]),
  );
}

/**
 * The node that a token speaks for, if it still does.
 * @throws CynodeError `not_found` when the node is gone · `authentication` when a newer incarnation has registered.
 */
export function requireCurrent(node: NodeIdentity | undefined, reporter: Reporter): NodeIdentity {
  if (node === undefined) throw nodeGone();
  if (node.incarnation !== reporter.incarnation) throw nodeReplaced();
  return node;
}

export function nodeGone(): CynodeError {
  return new CynodeError('not_found', 'the node is not known: register it again');
}

export function nodeReplaced(): CynodeError {
  return new CynodeError('authentication', 'this node agent was replaced by a newer registration');
}
