import type { Dispatcher } from 'undici';
import { CynodeError } from '../../contracts/errors.ts';
import { INFERENCE_LIMITS } from '../../contracts/inference.ts';
import type { ModelRequest } from '../../contracts/inference.ts';
import { PATHS } from '../../contracts/paths.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../schema/database.ts';
import { readUsedTokens } from '../../schema/inference/routing.ts';
import type { Accountable, Routing, RoutingNode } from '../../schema/inference/routing.ts';
import { BackendError } from './backends/backend.ts';
import type { ModelEvent, ModelQuestion } from './backends/backend.ts';
import { createOllamaBackend } from './backends/ollama.ts';
import type { Caller } from './caller.ts';
import { orderNodes } from './choose-node.ts';
import type { NodeMemoryKeeper } from './choose-node.ts';
import type { CallRecord } from './record.ts';
import { checkBudgets, decideRoute, modelOnNodes } from './route.ts';
import type { Route } from './route.ts';
import type { RoutingCache } from './routing-cache.ts';
import type { WorkerBearers } from './worker-bearers.ts';

export interface CallDeps {
  readonly db: Database;
  readonly bearers: WorkerBearers;
  readonly pool: Dispatcher;
  readonly memory: NodeMemoryKeeper;
  readonly routing: RoutingCache;
  readonly logger: Logger;
  /** Resolves when the calls that have ended here are in the ledger, as far as that is possible. */
  readonly ledgerWritten: () => Promise<void>;
}

export interface Call {
  readonly caller: Caller;
  readonly request: ModelRequest;
  /** Aborted when nobody wants the answer any more. */
  readonly signal: AbortSignal;
  readonly record: CallRecord;
}

/** Longer answers are broken off; no model writes so much. */
const MAX_ANSWER_CHARACTERS = 8 * 1024 * 1024;

/**
 * Asks the model: the answer as it comes, `end` last. Another node is asked as long as nothing was said.
 * @throws CynodeError · BackendError of the last node that was asked
 */
export async function* askModel(deps: CallDeps, call: Call): AsyncGenerator<ModelEvent, void, undefined> {
  const { request, record, signal } = call;
  const routing = await deps.routing.read(modelOnNodes(request.model));
  await checkSpending(deps, routing, {
    userId: call.caller.userId ?? request.user ?? null,
    taskId: call.caller.taskId,
  });
  const route = decideRoute(request.model, routing);
  signal.throwIfAborted();
  let characters = 0;
  for await (const event of askInTurn(deps, call, route)) {
    record.saw(event);
    if (event.kind === 'text') characters += event.text.length;
    if (characters > MAX_ANSWER_CHARACTERS) throw new BackendError('failed', 'the answer has no end');
    yield event;
  }
}

/** What was used is asked of the database for each call, where there is a limit. */
async function checkSpending(
  { db, ledgerWritten }: CallDeps,
  routing: Routing,
  who: Accountable,
): Promise<void> {
  if (routing.userLimit === null && routing.taskLimit === null) return;
  await ledgerWritten();
  checkBudgets(routing, await readUsedTokens(db, who), who);
}

async function* askInTurn(
  deps: CallDeps,
  call: Call,
  route: Route,
): AsyncGenerator<ModelEvent, void, undefined> {
  const question = questionOf(call.request, route);
  const order = withSecondChance(orderNodes(route.nodes, deps.memory));
  for (const [index, node] of order.entries()) {
    call.record.asks(node.slug, route.model);
    let said = false;
    const inHand = deps.memory.begin(node.slug);
    try {
      for await (const event of backendOf(deps, node).chat(question, call.signal)) {
        said = true;
        yield event;
      }
      return;
    } catch (error) {
      call.signal.throwIfAborted();
      if (!(error instanceof BackendError)) throw error;
      if (isFaultOfNode(error)) deps.memory.noteFailure(node.slug);
      if (said || !mayAskAgain(error, order[index + 1], node)) throw error;
      deps.logger.warn({ node: node.slug, fault: error.fault }, 'model call goes to another node');
      call.record.failedOver(error.fault);
    } finally {
      inHand[Symbol.dispose]();
    }
  }
}

/** A connection that was kept open may be dead without our knowing it, so the only node is asked twice. */
function withSecondChance(nodes: readonly RoutingNode[]): readonly RoutingNode[] {
  const [only] = nodes;
  return nodes.length === 1 && only !== undefined ? [only, only] : nodes;
}

function mayAskAgain(error: BackendError, next: RoutingNode | undefined, node: RoutingNode): boolean {
  if (next === undefined || error.fault === 'refused') return false;
  return next !== node || error.fault === 'unreachable';
}

function isFaultOfNode({ fault }: BackendError): boolean {
  return fault !== 'refused' && fault !== 'busy';
}

function backendOf({ pool, bearers }: CallDeps, node: RoutingNode) {
  const baseUrl = `${node.baseUrl}${PATHS.workerInference}`;
  return createOllamaBackend({ pool, bearer: bearers.of(node), baseUrl });
}

function questionOf(request: ModelRequest, route: Route): ModelQuestion {
  return {
    model: route.model,
    messages: request.messages,
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? INFERENCE_LIMITS.defaultMaxTokens,
    temperature: request.temperature,
    topP: request.top_p,
    presencePenalty: request.presence_penalty,
    frequencyPenalty: request.frequency_penalty,
    seed: request.seed,
    stop: request.stop,
    responseFormat: request.response_format,
    contextTokens: route.contextTokens,
    keepLoaded: route.keepLoaded,
  };
}

/** What a caller is told of a call that failed; null when it does not concern the model. */
export function toCallError(error: BackendError, model: string): CynodeError {
  const { fault, detail, retryAfterSeconds } = error;
  switch (fault) {
    case 'refused':
      return new CynodeError('validation', `The model ${model} refused the request: ${detail}`, {
        cause: error,
      });
    case 'busy': {
      const when = retryAfterSeconds === undefined ? 'shortly' : `in ${retryAfterSeconds} s`;
      return new CynodeError(
        'model_busy',
        `Every node that has the model ${model} is busy; try again ${when}`,
        { cause: error },
      );
    }
    case 'away':
      return new CynodeError(
        'model_unavailable',
        `The node that has the model ${model} cannot answer now: ${detail}. Try again shortly`,
        { cause: error },
      );
    case 'no_model':
      return new CynodeError(
        'model_unavailable',
        `The model ${model} was removed from its node; try again shortly`,
        {
          cause: error,
        },
      );
    case 'timeout':
      return new CynodeError(
        'inference_timeout',
        `The model ${model} did not answer in time; ask for less, or use a smaller model or a faster node`,
        { cause: error },
      );
    case 'unreachable':
    case 'unauthorized':
    case 'failed':
      return new CynodeError(
        'inference_failed',
        `The model ${model} did not answer to the end: ${detail}. Try again; \`cynork doctor\` shows the nodes`,
        { cause: error },
      );
  }
}
