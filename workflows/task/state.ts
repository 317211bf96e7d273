import type { JobStep } from '../../contracts/activities.ts';

/** Slugs of the nodes that the jobs are placed on now, each once, in order. */
export function nodesOf(steps: readonly JobStep[]): string[] {
  return [...new Set(steps.flatMap((step) => (step.kind === 'placed' ? [step.nodeSlug] : [])))].sort();
}
