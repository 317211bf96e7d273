import { Counter, Gauge, Histogram } from '../../platform/metrics.ts';
import type { Registry } from '../../platform/metrics.ts';
import type { LedgerEntry } from '../../schema/inference/ledger.ts';

export interface RouterMetrics {
  began(): void;
  ended(entry: LedgerEntry): void;
  /** A call was given to another node, because of this. */
  failedOver(fault: string): void;
}

const FIRST_TOKEN_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const DURATION_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

/** Model calls in the metrics. Only names of models that nodes have become labels, so the series are bounded. */
export function createRouterMetrics(registry: Registry): RouterMetrics {
  const registers = [registry];
  const calls = new Counter({
    name: 'cynodeai_inference_calls_total',
    help: 'Model calls that have ended, by model, outcome and, where they failed, why',
    labelNames: ['model', 'outcome', 'code'],
    registers,
  });
  const tokens = new Counter({
    name: 'cynodeai_inference_tokens_total',
    help: 'Tokens of model calls: kind is prompt or completion',
    labelNames: ['model', 'kind'],
    registers,
  });
  const failovers = new Counter({
    name: 'cynodeai_inference_failovers_total',
    help: 'Model calls that another node was asked for before the first token, by why',
    labelNames: ['fault'],
    registers,
  });
  const inFlight = new Gauge({
    name: 'cynodeai_inference_calls_in_flight',
    help: 'Model calls that the router has in hand',
    registers,
  });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name, help, labelNames: ['model', 'outcome'], buckets, registers });
  const firstToken = histogram(
    'cynodeai_inference_first_token_seconds',
    'Time from a model call to its first text',
    FIRST_TOKEN_BUCKETS,
  );
  const duration = histogram(
    'cynodeai_inference_duration_seconds',
    'Time from a model call to its end',
    DURATION_BUCKETS,
  );
  return {
    began: () => inFlight.inc(),
    failedOver: (fault) => failovers.inc({ fault }),
    ended: (entry) => {
      const model = entry.nodeSlug === null ? '' : entry.model;
      inFlight.dec();
      calls.inc({ model, outcome: entry.outcome, code: entry.errorCode ?? '' });
      tokens.inc({ model, kind: 'prompt' }, entry.promptTokens ?? 0);
      tokens.inc({ model, kind: 'completion' }, entry.completionTokens ?? 0);
      duration.observe({ model, outcome: entry.outcome }, entry.totalMs / 1000);
      if (entry.firstTokenMs !== null)
        firstToken.observe({ model, outcome: entry.outcome }, entry.firstTokenMs / 1000);
    },
  };
}
