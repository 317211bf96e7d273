import { errors } from 'undici';
import { z } from 'zod';
import { CynodeError } from '../../contracts/errors.ts';
import { PATHS } from '../../contracts/paths.ts';
import { sleep } from '../../platform/clock.ts';
import type { Envelope } from '../../platform/crypto/envelope.ts';
import { createHttpClient, HttpStatusError } from '../../platform/http/client.ts';
import type { HttpClient } from '../../platform/http/client.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../schema/database.ts';
import { findNodesToReach, storeReach } from '../../schema/inference/reach.ts';
import type { NodeToReach, Tried } from '../../schema/inference/reach.ts';
import { createLeadership } from '../../schema/leader.ts';
import { createWorkerBearers } from './worker-bearers.ts';
import type { WorkerBearers } from './worker-bearers.ts';

const TRY_EVERY_MS = 2_000;
const TRY_MS = 3_000;

export interface ReachDeps {
  readonly db: Database;
  /** Of the same database, for the one connection that shows who tries. */
  readonly databaseUrl: string;
  readonly envelope: Envelope;
  readonly logger: Logger;
}

/**
 * Tries every two seconds whether the models of each live node can be reached the way that calls go, by the address and
 * the bearer of its Worker API, and stores what it finds for `/readyz`. One control plane does it at a time.
 */
export function startReachChecks(deps: ReachDeps): AsyncDisposable {
  const closing = new AbortController();
  const running = runPasses(deps, closing.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await running;
    },
  };
}

async function runPasses({ db, databaseUrl, envelope, logger }: ReachDeps, closing: AbortSignal) {
  await using leadership = createLeadership(databaseUrl, 'node reach');
  await using http = createHttpClient();
  const bearers = createWorkerBearers(envelope);
  while (!closing.aborted) {
    try {
      if (await leadership.lead()) await checkReach({ db, http, bearers, signal: closing });
    } catch (error) {
      logger.warn({ err: error }, 'whether nodes can be reached is not known; it is tried again');
    }
    await sleep(TRY_EVERY_MS, closing);
  }
}

export interface ReachCheck {
  readonly db: Database;
  readonly http: HttpClient;
  readonly bearers: WorkerBearers;
  readonly signal: AbortSignal;
}

/** One try of every live node that runs models, all at the same time. */
export async function checkReach(check: ReachCheck): Promise<void> {
  const nodes = await findNodesToReach(check.db);
  const tried = await Promise.all(nodes.map((node) => tryToReach(check, node)));
  if (!check.signal.aborted) await storeReach(check.db, tried);
}

/** Any reply of an Ollama; it wakes no model. */
const versionSchema = z.object({ version: z.string() });

async function tryToReach({ http, bearers, signal }: ReachCheck, node: NodeToReach): Promise<Tried> {
  const { id: nodeId, baseUrl: url } = node;
  try {
    await http.send({
      method: 'GET',
      url: `${url}${PATHS.workerInference}/api/version`,
      bearer: bearers.of(node),
      reply: versionSchema,
      timeoutMs: TRY_MS,
      signal,
    });
    return { nodeId, url, error: null };
  } catch (error) {
    return { nodeId, url, error: describe(error) };
  }
}

const MAX_DETAIL = 200;

/** Never what a stranger at that address replied. */
function describe(error: unknown): string {
  if (error instanceof HttpStatusError) return describeStatus(error.status);
  if (error instanceof CynodeError && error.code === 'internal') return 'what replies there is no node';
  const cause = error instanceof CynodeError ? error.cause : error;
  const name = textOf(cause, 'name');
  if (cause instanceof errors.ConnectTimeoutError || name === 'TimeoutError') return 'no reply within 3 s';
  // A failure to connect to all addresses of a name has only a code.
  const told = [textOf(cause, 'message'), textOf(cause, 'code'), name].find((text) => text !== '');
  return (told ?? 'it cannot be asked').slice(0, MAX_DETAIL);
}

function describeStatus(status: number): string {
  if (status === 401 || status === 403)
    return `what replies there does not take the token of this node (${status}); is it another node?`;
  return `what replies there is not ready to ask models (${status})`;
}

function textOf(value: unknown, name: string): string {
  const member: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof member === 'string' ? member : '';
}
