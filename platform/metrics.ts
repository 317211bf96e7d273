import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export { Counter, Gauge, Histogram };
export type { Registry };

/** Text in the Prometheus format from elsewhere, shown beside a registry's own metrics. */
type MetricsSource = () => Promise<string>;

const sources = new WeakMap<Registry, MetricsSource[]>();

/** One registry per process: process metrics now, those of its roles as they are created. */
export function createMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Shows what `source` gives beside the metrics of `registry`. */
export function addMetricsSource(registry: Registry, source: MetricsSource): void {
  sources.set(registry, [...(sources.get(registry) ?? []), source]);
}

/** All of it as `/metrics` answers it. A source that fails is left out: the rest is still wanted. */
export async function renderMetrics(registry: Registry): Promise<string> {
  const texts = [registry.metrics(), ...(sources.get(registry) ?? []).map((source) => source())];
  const rendered = await Promise.allSettled(texts);
  const [own] = rendered;
  if (own?.status === 'rejected') throw own.reason;
  return rendered.map((text) => (text.status === 'fulfilled' ? text.value : '')).join('');
}

/** The registry's metric of that name, made by `create` when there is none: roles of one process share theirs. */
export function sharedMetric<M extends object>(
  registry: Registry,
  name: string,
  kind: abstract new (...args: never[]) => M,
  create: () => M,
): M {
  const found = registry.getSingleMetric(name);
  return found instanceof kind ? found : create();
}
