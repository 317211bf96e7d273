import type { Logger } from '../../platform/logger.ts';
import type { Registry } from '../../platform/metrics.ts';
import type { Envelope } from '../../platform/crypto/envelope.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { ModelRequest } from '../../contracts/inference.ts';
import type { Database } from '../../schema/database.ts';
import { recordCall } from '../../schema/inference/ledger.ts';
import type { LedgerEntry } from '../../schema/inference/ledger.ts';
import { BackendError } from './backends/backend.ts';
import type { ModelEvent } from './backends/backend.ts';
import { createBackendPool } from './backends/exchange.ts';
import { askModel, toCallError } from './call.ts';
import type { CallDeps } from './call.ts';
import type { Caller } from './caller.ts';
import { createNodeMemory } from './choose-node.ts';
import { createRouterMetrics } from './metrics.ts';
import { createCallRecord, outcomeOf } from './record.ts';
import type { CallRecord } from './record.ts';
import { createRoutingCache } from './routing-cache.ts';
import { createTurnWriter } from './turn-records.ts';
import type { TurnRecords, TurnWriter } from './turn-records.ts';
import { createWorkerBearers } from './worker-bearers.ts';

export interface RouterDeps {
  readonly db: Database;
  readonly envelope: Envelope;
  readonly turnRecords: TurnRecords;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** How old what is known of nodes and limits may be; absent: a second. */
  readonly routingMaxAgeMs?: number;
}

export interface ModelRouter extends AsyncDisposable {
  /**
   * Answers a request: text as it comes, `end` last, when everything of it is stored. Every call has its row in the ledger
   * and is checked against the budgets first.
   * @param gone aborted when the caller went away, which ends the generation
   * @throws CynodeError in words for the caller · CallerGone
   */
  ask(caller: Caller, request: ModelRequest, gone: AbortSignal): AsyncGenerator<ModelEvent, void, undefined>;
  /** Breaks off what is in hand, because the process closes. */
  close(): void;
}

/** Above this the process would rather refuse than run out of memory: a request may have 10 MiB. */
const MAX_IN_FLIGHT = 256;
const ROUTING_MAX_AGE_MS = 1_000;
const MAX_CALL_MS = 30 * 60 * 1000;

export function createModelRouter(deps: RouterDeps): ModelRouter {
  const pool = createBackendPool();
  const metrics = createRouterMetrics(deps.metrics);
  const ledger = createLedgerWriter(deps);
  const closing = new AbortController();
  const callDeps: CallDeps = {
    ...deps,
    pool,
    bearers: createWorkerBearers(deps.envelope),
    memory: createNodeMemory(),
    routing: createRoutingCache(deps.db, deps.routingMaxAgeMs ?? ROUTING_MAX_AGE_MS),
    ledgerWritten: () => ledger.written(),
  };
  let inFlight = 0;
  return {
    ask: async function* (caller, request, gone) {
      if (inFlight >= MAX_IN_FLIGHT)
        throw new CynodeError('unavailable', 'Too many model calls are in hand; try again shortly');
      inFlight += 1;
      metrics.began();
      const record = createCallRecord({
        caller,
        userId: request.user ?? null,
        requestedModel: request.model ?? '',
        onFailover: (fault) => metrics.failedOver(fault),
        onEnd: (entry) => {
          inFlight -= 1;
          metrics.ended(entry);
          ledger.write(entry);
        },
      });
      const writer = caller.turn === null ? null : createTurnWriter(deps.turnRecords, caller.turn);
      const signals = [gone, closing.signal, AbortSignal.timeout(MAX_CALL_MS)];
      const signal = AbortSignal.any(writer === null ? signals : [...signals, writer.failed]);
      yield* recorded(askModel(callDeps, { caller, request, signal, record }), record, writer);
    },
    close: () =>
      closing.abort(new CynodeError('unavailable', 'The model router is closing; try again shortly')),
    [Symbol.asyncDispose]: async () => {
      await ledger.settle();
      await pool.destroy();
    },
  };
}

/** Sees to it that the call's end is recorded, whatever it is, and that the turn gets what was said. */
async function* recorded(
  events: AsyncGenerator<ModelEvent, void, undefined>,
  record: CallRecord,
  writer: TurnWriter | null,
): AsyncGenerator<ModelEvent, void, undefined> {
  let text = '';
  let written = writer === null;
  try {
    for await (const event of events) {
      if (event.kind === 'text') {
        writer?.push(event.text);
        text += event.text;
      } else {
        await writer?.finish({ text, finishReason: event.finishReason, ...event.usage });
        written = true;
        record.end('answered');
      }
      yield event;
    }
  } catch (error) {
    const known = toKnownError(error, record.model);
    const { outcome, code } = outcomeOf(known);
    record.end(outcome, code);
    if (code === 'model_busy') await writer?.busy();
    throw known;
  } finally {
    record.end('canceled'); // the reader stopped reading
    if (!written) await writer?.abandon();
  }
}

function toKnownError(error: unknown, model: string): unknown {
  if (error instanceof BackendError) return toCallError(error, model);
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return new CynodeError('inference_timeout', `The model ${model} did not come to an end in 30 minutes`);
  return error;
}

interface LedgerWriter {
  /** Nobody waits for it. */
  write(entry: LedgerEntry): void;
  /** Resolves when what is being written now is. */
  written(): Promise<void>;
  settle(): Promise<void>;
}

const LEDGER_TRIES = 3;
const LEDGER_PAUSE_MS = 500;

function createLedgerWriter({ db, logger }: Pick<RouterDeps, 'db' | 'logger'>): LedgerWriter {
  const inHand = new Set<Promise<void>>();
  const attempt = async (entry: LedgerEntry, tries: number): Promise<void> => {
    try {
      await recordCall(db, entry);
    } catch (error) {
      if (tries === LEDGER_TRIES)
        return logger.error({ err: error, ...entry }, 'a model call is missing in the ledger');
      await new Promise((resolve) => setTimeout(resolve, LEDGER_PAUSE_MS));
      await attempt(entry, tries + 1);
    }
  };
  return {
    write: (entry) => {
      const writing = attempt(entry, 1);
      inHand.add(writing);
      void writing.finally(() => inHand.delete(writing));
    },
    written: async () => {
      await Promise.all(inHand);
    },
    settle: async () => {
      while (inHand.size > 0) await Promise.all(inHand);
    },
  };
}
