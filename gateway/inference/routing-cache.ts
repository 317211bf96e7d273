import type { Database } from '../../schema/database.ts';
import { readRouting } from '../../schema/inference/routing.ts';
import type { Routing } from '../../schema/inference/routing.ts';

/** Where calls for a model can go, so that a call need not wait for the database. */
export interface RoutingCache {
  /** @param model as nodes name it; null for the project manager's */
  read(model: string | null): Promise<Routing>;
}

const MAX_MODELS = 64;

interface Known {
  readonly routing: Routing;
  readonly readAtMs: number;
}

/**
 * What was read is good for `maxAgeMs`: nodes report every two seconds anyway, and a node that is gone is failed over. In
 * the second half of that it is read anew in the background, so that calls in a row never wait. That there is no node is
 * never remembered.
 */
export function createRoutingCache(db: Database, maxAgeMs: number): RoutingCache {
  const known = new Map<string | null, Known>();
  const reading = new Map<string | null, Promise<Routing>>();
  const readAnew = async (model: string | null): Promise<Routing> => {
    const readAtMs = performance.now();
    const routing = await readRouting(db, model);
    known.delete(model);
    const [oldest] = known.size >= MAX_MODELS ? known.keys() : [];
    if (oldest !== undefined) known.delete(oldest);
    if (routing.nodes.length > 0) known.set(model, { routing, readAtMs });
    return routing;
  };
  const readOnce = (model: string | null): Promise<Routing> => {
    const running = reading.get(model) ?? readAnew(model).finally(() => reading.delete(model));
    reading.set(model, running);
    return running;
  };
  return {
    read: async (model) => {
      const found = known.get(model);
      const ageMs = found === undefined ? Number.POSITIVE_INFINITY : performance.now() - found.readAtMs;
      if (found === undefined || ageMs >= maxAgeMs) return readOnce(model);
      if (ageMs > maxAgeMs / 2) readOnce(model).catch(() => undefined); // the next call that needs it says so
      return found.routing;
    },
  };
}
