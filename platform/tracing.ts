import type { TracingConfig } from './config/tracing.ts';
import type { SpanOptions, Tracing } from './spans.ts';

let started: Tracing | undefined;

/** The process's tracing; undefined where no endpoint is set, and then nothing of it is loaded. */
export function tracing(): Tracing | undefined {
  return started;
}

/** Starts tracing for the process. Disposing it sends what is left. */
export async function startTracing(config: TracingConfig): Promise<Tracing> {
  const { createTracing } = await import('./tracing-otel.ts');
  started = createTracing(config);
  return started;
}

/** Runs `work` as a span where there is tracing, else just so. */
export function traced<T>(options: SpanOptions, work: () => Promise<T>): Promise<T> {
  return started === undefined ? work() : started.span(options, work);
}
