import type { Transport, WaitingCode } from '../../contracts/activities.ts';

/** A registered node as placement sees it. */
export interface NodeState {
  readonly id: string;
  readonly slug: string;
  readonly transport: Transport;
  /** May get jobs at all: active, enabled, configured and heard of lately. */
  readonly available: boolean;
  readonly slots: number;
  readonly used: number;
  /** Fetches attachments into workspaces. */
  readonly takesAttachments: boolean;
  /** Has models for jobs. */
  readonly hasModels: boolean;
}

/** What a job asks of its node. */
export interface JobNeeds {
  /** The node that had it last. */
  readonly avoidNodeId: string | null;
  readonly attachments: boolean;
  readonly models?: boolean;
}

export type Choice =
  { readonly kind: 'node'; readonly node: NodeState } | { readonly kind: 'none'; readonly code: WaitingCode };

/**
 * Chooses a node for a job: one with a free slot, rather not the one that had it last, then the one with the most free
 * slots, then by slug so that the choice is repeatable.
 */
export function chooseNode(nodes: readonly NodeState[], needs: JobNeeds): Choice {
  if (nodes.length === 0) return { kind: 'none', code: 'no_node_registered' };
  const capable = nodes.filter(({ slots }) => slots > 0);
  if (capable.length === 0) return { kind: 'none', code: 'no_node_capable' };
  const able = capable.filter((node) => node.takesAttachments || !needs.attachments);
  if (able.length === 0) return { kind: 'none', code: 'no_node_takes_attachments' };
  const available = able.filter((node) => node.available);
  if (available.length === 0) return { kind: 'none', code: 'no_node_active' };
  const fitting = available.filter((node) => node.hasModels || needs.models !== true);
  if (fitting.length === 0) return { kind: 'none', code: 'no_node_with_models' };
  const [best] = fitting
    .filter(({ slots, used }) => used < slots)
    .sort((a, b) => compare(a, b, needs.avoidNodeId));
  return best === undefined ? { kind: 'none', code: 'no_free_slot' } : { kind: 'node', node: best };
}

function compare(a: NodeState, b: NodeState, avoidNodeId: string | null): number {
  const avoided = Number(a.id === avoidNodeId) - Number(b.id === avoidNodeId);
  if (avoided !== 0) return avoided;
  const free = b.slots - b.used - (a.slots - a.used);
  return free !== 0 ? free : a.slug.localeCompare(b.slug);
}
