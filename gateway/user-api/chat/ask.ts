import { PM_MODEL } from '../../../contracts/chat-values.ts';
import type { ChatCompletionBody } from '../../../contracts/chat.ts';
import { CynodeError } from '../../../contracts/errors.ts';
import { charactersOf } from '../../../contracts/model-context.ts';
import { redactSecrets, REDACTION_KIND } from '../../../contracts/redaction.ts';
import type { AnswerOptions } from '../../../contracts/turns.ts';
import { listAvailableModels, readPmContextTokens } from '../../../schema/chat/models.ts';
import { inferencePath } from '../../../schema/inference/path.ts';
import { askQuestion, openThread } from '../../../schema/turns/ask.ts';
import type { AskedTurn } from '../../../schema/turns/ask.ts';
import { markTurnStarted } from '../../../schema/turns/sweep.ts';
import type { UserApiDeps } from '../deps.ts';
import { waitBriefly } from '../tasks/wait-briefly.ts';

export interface ChatRequest {
  readonly userId: string;
  readonly userHandle: string;
  readonly projectId: string | null;
  readonly body: ChatCompletionBody;
  readonly requestId: string;
}

/** A question that is stored. */
export interface Asked extends AskedTurn {
  /** Why it is not asked of a model, and what to do; null when it is. */
  readonly refusal: string | null;
}

/**
 * Stores the question and starts its turn, in the order of contract §6.3. When Temporal is away, the reconciler starts it.
 * @throws CynodeError `validation` · `question_too_long` · `model_not_found` · `not_found` for a project that is not the user's
 */
export async function ask(deps: UserApiDeps, request: ChatRequest): Promise<Asked> {
  const { body, userId, projectId } = request;
  const owner = { userId, projectId };
  const question = body.messages.findLast(({ role }) => role === 'user');
  if (question === undefined || question.content.trim() === '') {
    await openThread(deps.db, owner);
    throw new CynodeError('validation', 'messages must hold a message of role user with some text');
  }
  const { text, applied } = redactSecrets(question.content);
  const route = await findRoute(deps, body.model);
  requireFit(text, route.characters);
  const asked = await askQuestion(deps.db, {
    ...owner,
    text,
    redactionKinds: applied ? [REDACTION_KIND] : [],
    model: route.model,
    options: optionsOf(body),
    requestId: request.requestId,
    refusal: route.refusal === null ? null : 'model_unavailable',
  });
  if (route.refusal === null) await waitBriefly(startTurn(deps, asked, request.userHandle));
  return { ...asked, refusal: route.refusal };
}

interface Route {
  /** Null for the project manager's. */
  readonly model: string | null;
  /** Why it cannot be asked now, and what to do. */
  readonly refusal: string | null;
  /** How long a question may be. */
  readonly characters: number;
}

async function findRoute({ db }: UserApiDeps, requested: string | undefined): Promise<Route> {
  const name = requested?.trim() ?? '';
  if (name === '' || name === PM_MODEL) {
    const path = await inferencePath(db);
    const contextTokens = await readPmContextTokens(db);
    const refusal = path.ready ? null : `PM agent is not available: ${path.reason}`;
    return { model: null, refusal, characters: charactersOf(contextTokens) };
  }
  const available = await listAvailableModels(db);
  if (available.some((model) => model.name === name))
    return { model: name, refusal: null, characters: charactersOf(null) };
  throw new CynodeError(
    'model_not_found',
    `The model \`${name.slice(0, 100)}\` does not exist; GET /v1/models lists those there are`,
  );
}

function requireFit(text: string, characters: number): void {
  if (text.length <= characters) return;
  throw new CynodeError(
    'question_too_long',
    `The question has ${text.length} characters; the model takes ${characters} at most. Send less, or a task with an attachment`,
  );
}

function optionsOf(body: ChatCompletionBody): AnswerOptions {
  const { temperature, top_p, seed, stop } = body;
  const max_tokens = body.max_completion_tokens ?? body.max_tokens;
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(top_p === undefined ? {} : { top_p }),
    ...(max_tokens === undefined ? {} : { max_tokens }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined ? {} : { stop }),
  };
}

async function startTurn(
  { db, turns, logger }: UserApiDeps,
  { turnId }: AskedTurn,
  userHandle: string,
): Promise<void> {
  try {
    await turns.start({ turnId, userHandle });
    await markTurnStarted(db, turnId);
  } catch (error) {
    logger.warn({ err: error, turnId }, 'turn not started; the reconciler will start it');
  }
}
