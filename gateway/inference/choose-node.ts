import type { RoutingNode } from '../../schema/inference/routing.ts';

/** What this process knows of nodes beyond their reports, which are up to two seconds old. */
export interface NodeMemory {
  /** Calls of ours that a node has in hand. */
  inFlight(slug: string): number;
  /** Whether it failed to answer just now. */
  isSuspect(slug: string): boolean;
}

/**
 * Nodes in the order in which a call tries them: those that failed just now last, with the model in memory first, then
 * the one with the least to do, then by slug so that the order is repeatable.
 */
export function orderNodes(nodes: readonly RoutingNode[], memory: NodeMemory): readonly RoutingNode[] {
  const load = (node: RoutingNode): number => Math.max(node.load, memory.inFlight(node.slug));
  return nodes.toSorted(
    (a, b) =>
      Number(memory.isSuspect(a.slug)) - Number(memory.isSuspect(b.slug)) ||
      Number(b.loaded) - Number(a.loaded) ||
      load(a) - load(b) ||
      a.slug.localeCompare(b.slug),
  );
}

const SUSPECT_MS = 5_000;

export interface NodeMemoryKeeper extends NodeMemory {
  /** A call begins; its end is told by disposing. */
  begin(slug: string): Disposable;
  noteFailure(slug: string): void;
}

export function createNodeMemory(nowMs: () => number = () => performance.now()): NodeMemoryKeeper {
  const counts = new Map<string, number>();
  const failedAtMs = new Map<string, number>();
  const add = (slug: string, difference: number): void => {
    const count = (counts.get(slug) ?? 0) + difference;
    if (count > 0) counts.set(slug, count);
    else counts.delete(slug);
  };
  return {
    inFlight: (slug) => counts.get(slug) ?? 0,
    isSuspect: (slug) => nowMs() - (failedAtMs.get(slug) ?? Number.NEGATIVE_INFINITY) < SUSPECT_MS,
    begin: (slug) => {
      add(slug, 1);
      return { [Symbol.dispose]: () => add(slug, -1) };
    },
    noteFailure: (slug) => void failedAtMs.set(slug, nowMs()),
  };
}
