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

/**
 * The node that a token speaks for.
 * @throws CynodeError `not_found` when the node is gone · `authentication` when a newer incarnation has registered.
 */
export async function findReportingNode(db: Database, reporter: Reporter): Promise<NodeIdentity> {
  const row = await db
    .selectFrom('nodes')
    .select(['id', 'node_slug', 'incarnation', 'transport'])
    .where('id', '=', reporter.nodeId)
    .executeTakeFirst();
  if (row === undefined) throw nodeGone();
  if (row.incarnation !== reporter.incarnation) throw nodeReplaced();
  return { nodeId: row.id, slug: row.node_slug, incarnation: row.incarnation, transport: row.transport };
}

export function nodeGone(): CynodeError {
  return new CynodeError('not_found', 'the node is not known: register it again');
}

export function nodeReplaced(): CynodeError {
  return new CynodeError('authentication', 'this node agent was replaced by a newer registration');
}
