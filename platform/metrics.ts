import { Registry, collectDefaultMetrics } from 'prom-client';

export type { Registry };

/** One registry per process: process metrics now, those of its roles as they are created. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
