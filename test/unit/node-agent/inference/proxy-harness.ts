import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach } from '@jest/globals';
import type { JobUsage } from '../../../../node-agent/inference/job-usage.ts';
import { InferenceProxy } from '../../../../node-agent/inference/proxy.ts';
import { createProxyMetrics } from '../../../../node-agent/inference/proxy-metrics.ts';
import { ModelQueue } from '../../../../node-agent/inference/queue.ts';
import { createLogger } from '../../../../platform/logger.ts';
import { createMetrics } from '../../../../platform/metrics.ts';
import { startModelServer, type ModelServer } from '../../../support/model-server/model-server.ts';

export const MODEL = 'tiny:latest';

export interface Opened {
  readonly url: string;
  readonly proxy: InferenceProxy;
  readonly metrics: () => Promise<string>;
}

interface Parts {
  readonly resources: AsyncDisposableStack;
  readonly model: () => ModelServer;
}

/** A scripted Ollama for each test, and proxies before it. */
export function useProxy() {
  let resources: AsyncDisposableStack;
  let server: ModelServer;
  beforeEach(async () => {
    resources = new AsyncDisposableStack();
    server = resources.use(await startModelServer());
  });
  afterEach(() => resources.disposeAsync());
  const model = (): ModelServer => server;
  return {
    model,
    /** Is closed after the test. */
    defer: (release: () => void) => resources.defer(release),
    open: (options: Parameters<typeof open>[1] = {}) => open({ resources, model }, options),
  };
}

async function open(
  { resources, model }: Parts,
  options: {
    active?: number;
    waiting?: number;
    idleMs?: number;
    baseUrl?: () => string | undefined;
    kind?: 'orchestrator' | 'job';
    usage?: JobUsage;
  } = {},
): Promise<Opened> {
  const registry = createMetrics();
  const queue = new ModelQueue({ active: options.active ?? 4, waiting: options.waiting ?? 4 });
  const proxy = resources.use(
    new InferenceProxy({
      baseUrl: options.baseUrl ?? (() => model().url),
      kept: () => ({ model: MODEL, contextTokens: 8192 }),
      whyAway: () => 'This node has no Ollama now: because.',
      queue,
      metrics: createProxyMetrics(registry, { active: () => queue.active, queued: () => queue.queued }),
      ...(options.idleMs === undefined ? {} : { idleMs: options.idleMs }),
    }),
  );
  const logger = createLogger({ role: 'test', level: 'silent' });
  const { usage } = options;
  const caller = { kind: options.kind ?? 'orchestrator', logger, ...(usage && { usage }) } as const;
  const server = createServer(
    (request, response) => void proxy.serve(request, response, request.url ?? '', caller),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  resources.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return { url, proxy, metrics: () => registry.metrics() };
}

export function chat(url: string, body: object = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/api/chat`, {
    method: 'POST',
    body: JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'hello' }], ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

export function contents(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { message?: { content: string } }).message?.content ?? '')
    .join('');
}
