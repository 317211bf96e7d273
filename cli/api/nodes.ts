import { nodeDetailSchema, nodeListSchema, type NodeDetail, type NodeList } from '../../contracts/nodes.ts';
import { PATHS } from '../../contracts/paths.ts';
import type { Context } from '../context.ts';
import { read } from './call.ts';

export interface PageQuery {
  readonly limit?: number;
  readonly cursor?: string;
}

export function listNodes(context: Context, { limit, cursor }: PageQuery): Promise<NodeList> {
  return read(context, nodeListSchema, { path: PATHS.nodes, query: { limit, cursor } });
}

/** `id` is the node's UUID or its slug. */
export function getNode(context: Context, id: string): Promise<NodeDetail> {
  return read(context, nodeDetailSchema, { path: `${PATHS.nodes}/${encodeURIComponent(id)}` });
}
