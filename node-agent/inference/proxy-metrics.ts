import { Counter, Gauge, Histogram, type Registry } from '../../platform/metrics.ts';

export type ProxyOutcome =
  | 'answered'
  /** The Ollama's own error. */
  | 'refused_upstream'
  /** Not a call that is let through. */
  | 'not_allowed'
  | 'too_large'
  /** The queue, or the memory for requests, was full. */
  | 'busy'
  /** The tokens of the job. */
  | 'spent'
  | 'away'
  | 'timeout'
  | 'broken'
  /** The caller closed its connection, or its job ended. */
  | 'caller_gone';

export interface ProxyMetrics {
  ended(caller: 'orchestrator' | 'job', outcome: ProxyOutcome): void;
  waited(seconds: number): void;
  firstByte(seconds: number): void;
}

const WAIT_BUCKETS_SECONDS = [0.001, 0.01, 0.1, 0.5, 1, 5, 15, 60, 120];
const FIRST_BYTE_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 120];

/** @param read what is read when it is scraped */
export function createProxyMetrics(
  registry: Registry,
  read: { readonly active: () => number; readonly queued: () => number },
): ProxyMetrics {
  const registers = [registry];
  const calls = new Counter({
    name: 'cynodeai_node_inference_calls_total',
    help: "Calls to the node's Ollama through its proxy, by who called and how they ended, without look-ups that were answered",
    labelNames: ['caller', 'outcome'],
    registers,
  });
  const wait = new Histogram({
    name: 'cynodeai_node_inference_wait_seconds',
    help: 'Time a call waited for others of its model',
    buckets: WAIT_BUCKETS_SECONDS,
    registers,
  });
  const firstByte = new Histogram({
    name: 'cynodeai_node_inference_first_byte_seconds',
    help: 'Time from a call reaching the Ollama to the first byte of its reply',
    buckets: FIRST_BYTE_BUCKETS_SECONDS,
    registers,
  });
  showCalls(registry, read);
  return {
    ended: (caller, outcome) => calls.inc({ caller, outcome }),
    waited: (seconds) => wait.observe(seconds),
    firstByte: (seconds) => firstByte.observe(seconds),
  };
}

function showCalls(
  registry: Registry,
  { active, queued }: { readonly active: () => number; readonly queued: () => number },
): void {
  new Gauge({
    name: 'cynodeai_node_inference_active',
    help: 'Calls that a model works on',
    registers: [registry],
    collect() {
      this.set(active());
    },
  });
  new Gauge({
    name: 'cynodeai_node_inference_queued',
    help: 'Calls that wait for others of their model',
    registers: [registry],
    collect() {
      this.set(queued());
    },
  });
}
