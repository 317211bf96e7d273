import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Agent, errors, type Dispatcher } from 'undici';
import { CynodeError, toProblem } from '../../contracts/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { TokenCounter, type CallTokens } from './call-tokens.ts';
import { canonicalModel, jobRequest } from './job-request.ts';
import type { JobUsage } from './job-usage.ts';
import type { Kept } from './models.ts';
import type { ProxyMetrics, ProxyOutcome } from './proxy-metrics.ts';
import { PROXY_ROUTES, proxyRouteOf, type ProxyRoute } from './proxy-routes.ts';
import { QueueFullError, type ModelQueue } from './queue.ts';
import { modelNamedIn, RequestBodies } from './request-body.ts';

/** On whose behalf a call is made; all calls of a job have the same one. */
export interface ProxyCaller {
  readonly kind: 'orchestrator' | 'job';
  /** With the ids of a job, and nothing secret. */
  readonly logger: Logger;
  /** Aborted when the caller may not act any more. */
  readonly over?: AbortSignal;
  /** Where a job's calls are counted, and what bounds them. */
  readonly usage?: JobUsage;
}

export interface ProxyDeps {
  /** Base URL of the Ollama that answers now. */
  readonly baseUrl: () => string | undefined;
  /** Why there is none, for whoever asks. */
  readonly whyAway: () => string;
  /** What jobs may not move out of memory. */
  readonly kept: () => Kept | undefined;
  readonly queue: ModelQueue;
  readonly metrics: ProxyMetrics;
  /** How long a call may be without a sign of life. */
  readonly idleMs?: number;
}

const SECOND_MS = 1000;
const IDLE_MS = 120 * SECOND_MS;
const RETRY_AFTER_SECONDS = 5;
const CONNECT_MS = 3 * SECOND_MS;
/** Everything else stays on its side: tokens, cookies, origins, and what is only about one connection. */
const REQUEST_HEADERS = ['content-type', 'accept'] as const;
const REPLY_HEADERS = ['content-type', 'content-length'] as const;

class CallerGoneError extends Error {}
class WaitedTooLongError extends Error {}

/** Carries calls to the node's Ollama and its replies back, as they come (contract §13.3). */
export class InferenceProxy implements AsyncDisposable {
  readonly #deps: ProxyDeps;
  readonly #idleMs: number;
  /** Apart, so that jobs cannot use up what the orchestrator needs. */
  readonly #bodies = { orchestrator: new RequestBodies(8), job: new RequestBodies(4) };
  readonly #upstream: Agent;

  constructor(deps: ProxyDeps) {
    this.#deps = deps;
    this.#idleMs = deps.idleMs ?? IDLE_MS;
    this.#upstream = new Agent({
      connectTimeout: CONNECT_MS,
      headersTimeout: this.#idleMs,
      bodyTimeout: this.#idleMs,
      keepAliveTimeout: 60 * SECOND_MS,
    });
  }

  /** Answers a call, in every case. `path` is that of the Ollama. Ends the generation when the caller goes. */
  async serve(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    caller: ProxyCaller,
  ): Promise<void> {
    const startedAtMs = performance.now();
    const call: Call = { request, response, path, model: '' };
    const outcome = await this.#answer(call, caller);
    if (outcome !== 'answered' || !isLookUp(path)) this.#deps.metrics.ended(caller.kind, outcome);
    const ms = Math.round(performance.now() - startedAtMs);
    caller.logger.debug({ path: loggable(path), model: call.model.slice(0, 255), outcome, ms }, 'model call');
  }

  /** Calls that models work on, and calls that wait for those. */
  get load(): { readonly active: number; readonly queued: number } {
    const { active, queued } = this.#deps.queue;
    return { active, queued };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#upstream.destroy();
  }

  async #answer(call: Call, caller: ProxyCaller): Promise<ProxyOutcome> {
    const { response } = call;
    const { over } = caller;
    const gone = new AbortController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new CallerGoneError());
    });
    const ended = new AbortController();
    const onOver = (): void => ended.abort(new CallerGoneError());
    over?.addEventListener('abort', onOver, { once: true });
    if (over?.aborted === true) onOver();
    try {
      return await this.#carry(call, caller, AbortSignal.any([gone.signal, ended.signal]));
    } catch (error) {
      if (gone.signal.aborted) return 'caller_gone';
      return refuse(call, ended.signal.aborted ? new CallerGoneError() : error);
    } finally {
      over?.removeEventListener('abort', onOver);
    }
  }

  async #carry(call: Call, caller: ProxyCaller, signal: AbortSignal): Promise<ProxyOutcome> {
    const { request, path } = call;
    const route = allowed(request.method ?? '', path);
    using body = route.method === 'GET' ? undefined : await this.#bodies[caller.kind].read(request);
    signal.throwIfAborted();
    if (body !== undefined) call.model = modelNamedIn(body.bytes);
    if (!route.generates) return await this.#forward(call, body?.bytes, signal);
    caller.usage?.requireRest();
    const isJob = caller.kind === 'job';
    const place = await this.#place(call.model, signal, isJob ? caller : undefined);
    try {
      const bytes = isJob && body !== undefined ? jobRequest(body.bytes, this.#deps.kept()) : body?.bytes;
      // Others of the job may have used the rest meanwhile.
      caller.usage?.requireRest();
      return await this.#forward(call, bytes, signal, caller.usage);
    } finally {
      place[Symbol.dispose]();
    }
  }

  /** @throws WaitedTooLongError · QueueFullError */
  async #place(model: string, signal: AbortSignal, job: ProxyCaller | undefined): Promise<Disposable> {
    const startedAtMs = performance.now();
    const waited = new AbortController();
    const timer = setTimeout(() => waited.abort(new WaitedTooLongError()), this.#idleMs);
    try {
      const either = AbortSignal.any([signal, waited.signal]);
      return await this.#deps.queue.enter(canonicalModel(model), either, job);
    } finally {
      clearTimeout(timer);
      this.#deps.metrics.waited((performance.now() - startedAtMs) / SECOND_MS);
    }
  }

  async #forward(
    { request, response, path, model }: Call,
    body: Buffer | undefined,
    signal: AbortSignal,
    usage?: JobUsage,
  ): Promise<ProxyOutcome> {
    const baseUrl = this.#deps.baseUrl();
    if (baseUrl === undefined) throw new CynodeError('model_unavailable', this.#deps.whyAway());
    const startedAtMs = performance.now();
    const reply = await this.#upstream.request({
      origin: baseUrl,
      path,
      method: request.method === 'GET' ? 'GET' : 'POST',
      headers: picked(request.headers, REQUEST_HEADERS),
      body: body ?? null,
      signal,
    });
    this.#deps.metrics.firstByte((performance.now() - startedAtMs) / SECOND_MS);
    response.writeHead(reply.statusCode, picked(reply.headers, REPLY_HEADERS));
    response.flushHeaders();
    if (usage === undefined || reply.statusCode >= 400) await pipeline(reply.body, response);
    else await pipelineCounted(reply, response, (tokens) => usage.add(canonicalModel(model), tokens));
    return reply.statusCode < 400 ? 'answered' : 'refused_upstream';
  }
}

async function pipelineCounted(
  { body, headers }: Dispatcher.ResponseData,
  response: ServerResponse,
  used: (tokens: CallTokens) => void,
): Promise<void> {
  const counter = new TokenCounter(String(headers['content-type'] ?? ''));
  try {
    await pipeline(body, counter, response);
  } finally {
    used(counter.tokens);
  }
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  model: string;
}

/** @throws CynodeError `not_found` */
function allowed(method: string, path: string): ProxyRoute {
  const route = proxyRouteOf(path);
  if (route?.method === method) return route;
  const offered = PROXY_ROUTES.map((each) => `${each.method} ${each.path}`).join(', ');
  throw new CynodeError('not_found', `This is not offered here. Offered: ${offered}.`);
}

function picked(
  headers: Dispatcher.ResponseData['headers'],
  names: readonly string[],
): Record<string, string | string[]> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What a caller is told, as a problem that has Ollama's member `error` too; a reply that has begun is broken off. */
function refuse({ request, response }: Call, error: unknown): ProxyOutcome {
  const { outcome, told } = refusalOf(error);
  if (response.headersSent || outcome === 'caller_gone') {
    response.destroy();
    return outcome;
  }
  const problem = toProblem(told.code, told.message);
  response.writeHead(problem.status, {
    'content-type': 'application/problem+json',
    ...(outcome === 'busy' ? { 'retry-after': String(RETRY_AFTER_SECONDS) } : {}),
  });
  response.end(JSON.stringify({ ...problem, error: told.message }));
  // Closed while it still sends, a caller would see a broken connection and never its refusal.
  request.resume();
  return outcome;
}

interface Refusal {
  readonly outcome: ProxyOutcome;
  readonly told: CynodeError;
}

const OUTCOMES: Partial<Record<CynodeError['code'], ProxyOutcome>> = {
  payload_too_large: 'too_large',
  unavailable: 'busy',
  not_found: 'not_allowed',
  model_unavailable: 'away',
  budget_spent: 'spent',
};

function refusalOf(error: unknown): Refusal {
  if (error instanceof CynodeError) return { outcome: OUTCOMES[error.code] ?? 'broken', told: error };
  if (error instanceof CallerGoneError) return refusal('caller_gone', 'unavailable', 'The caller has ended.');
  if (error instanceof QueueFullError || error instanceof WaitedTooLongError)
    return refusal('busy', 'unavailable', 'The model is busy and too many calls wait. Try again later.');
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError)
    return refusal('timeout', 'inference_timeout', 'The model said nothing for too long.');
  if (isUnreached(error))
    return refusal('away', 'model_unavailable', "The node's Ollama does not answer. Try again shortly.");
  return refusal('broken', 'inference_failed', "The node's Ollama broke the call off. Try again.");
}

function refusal(outcome: ProxyOutcome, code: CynodeError['code'], text: string): Refusal {
  return { outcome, told: new CynodeError(code, text) };
}

/** Whether the Ollama never had the call. */
function isUnreached(error: unknown): boolean {
  if (error instanceof errors.ConnectTimeoutError) return true;
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ECONNREFUSED';
}

/** The orchestrator looks every other second whether it can reach the Ollama: that would hide what models do. */
function isLookUp(path: string): boolean {
  return proxyRouteOf(path)?.generates === false;
}

/** Callers may send any path. */
function loggable(path: string): string {
  return proxyRouteOf(path) === undefined ? 'other' : path;
}
