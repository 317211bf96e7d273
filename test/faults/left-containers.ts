import { z } from 'zod';

/** Prepared containers that each node of the rig keeps (`SANDBOX_WARM_POOL`). */
export const POOL_SIZE = 2;

export const listedContainersSchema = z.array(
  z.object({ Names: z.array(z.string()), State: z.string(), Labels: z.record(z.string(), z.string()) }),
);
export type ListedContainers = z.infer<typeof listedContainersSchema>;

/**
 * The containers of nodes with the prefix that should not be there at rest: all but as many running, idle, prepared ones a
 * node as its pool has. Pure.
 */
export function leftContainers(listed: ListedContainers, nodePrefix: string): string[] {
  const idleByNode = new Map<string, number>();
  return listed.flatMap(({ Names, State, Labels }) => {
    const node = Labels['cynodeai.node'] ?? '';
    if (!node.startsWith(nodePrefix)) return [];
    if (Labels['cynodeai.pool'] !== undefined && Names.every(isIdle) && State === 'running') {
      const idle = (idleByNode.get(node) ?? 0) + 1;
      idleByNode.set(node, idle);
      if (idle <= POOL_SIZE) return [];
    }
    return [`${Names.join(',')} (${State})`];
  });
}

function isIdle(name: string): boolean {
  return name.startsWith('/cynodeai-pool-');
}
