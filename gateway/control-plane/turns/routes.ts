import { z } from 'zod';
import { uuidSchema } from '../../../contracts/ids.ts';
import { answerTokensOf, charactersOf } from '../../../contracts/model-context.ts';
import { BEGIN_TURN_ROUTE, turnWorkSchema } from '../../../contracts/turns.ts';
import type { TurnMessage, TurnWork } from '../../../contracts/turns.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { readPmContextTokens } from '../../../schema/chat/models.ts';
import { beginTurn } from '../../../schema/turns/begin.ts';
import type { BegunTurn } from '../../../schema/turns/begin.ts';
import { bearerToken } from '../../shared/bearer.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import type { ControlPlaneDeps } from '../deps.ts';
import { readAttachmentTexts } from './attachments.ts';
import { fitHistory } from './fit.ts';

/** Longer than any turn may take. */
const AGENT_TOKEN_MS = 4 * 3_600_000;

/** Turns for the agent worker, which comes with a service token (design §2). */
export function turnRoutes(scope: HttpApp, deps: ControlPlaneDeps): void {
  scope.addHook('onRequest', async (request) => {
    await deps.tokens.verify('service', bearerToken(request));
  });
  scope.post(
    BEGIN_TURN_ROUTE,
    {
      schema: {
        hide: true,
        params: z.object({ id: uuidSchema }),
        response: { 200: turnWorkSchema, ...COMMON_PROBLEMS, 404: problemSchema },
      },
    },
    async (request) => begin(deps, request.params.id),
  );
}

async function begin(deps: ControlPlaneDeps, turnId: string): Promise<TurnWork> {
  const turn = await beginTurn(deps.db, turnId);
  if (turn === null) return { kind: 'ended' };
  const { epoch, userId, taskId, threadId, model, options } = turn;
  const agent_token = await deps.tokens.sign(
    'agent',
    {
      sub: 'pm',
      turn_id: turnId,
      epoch,
      user_id: userId,
      ...(taskId === null ? {} : { task_id: taskId }),
      ...(threadId === null ? {} : { thread_id: threadId }),
    },
    { lifeMs: AGENT_TOKEN_MS },
  );
  const contextTokens = model === null ? await readPmContextTokens(deps.db) : null;
  const max_tokens = options.max_tokens ?? answerTokensOf(contextTokens);
  return {
    kind: 'ask',
    epoch,
    model,
    options: { ...options, ...(max_tokens === undefined ? {} : { max_tokens }) },
    agent_token,
    messages: await messagesOf(deps, turn, contextTokens),
  };
}

async function messagesOf(
  deps: ControlPlaneDeps,
  turn: BegunTurn,
  contextTokens: number | null,
): Promise<TurnMessage[]> {
  const characters = charactersOf(contextTokens);
  const messages = fitHistory(turn.messages, characters);
  const asked = messages.reduce((sum, { content }) => sum + content.length, 0);
  const files = await readAttachmentTexts(deps.blobs, turn.attachments, characters - asked);
  if (files === '') return messages;
  return messages.map(({ role, content }) => ({ role, content: `${content}\n\n${files}` }));
}
