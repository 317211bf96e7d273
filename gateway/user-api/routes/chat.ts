import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import {
  CHAT_LIMITS,
  CHAT_PATHS,
  chatCompletionBodySchema,
  chatCompletionSchema,
  chatErrorSchema,
  modelListSchema,
  PM_MODEL,
  RETRY_HEADER,
  THREAD_HEADER,
  TURN_HEADER,
} from '../../../contracts/chat.ts';
import { CynodeError } from '../../../contracts/errors.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { listAvailableModels } from '../../../schema/chat/models.ts';
import { goneSignal } from '../../shared/gone-signal.ts';
import { answerInOpenAiForm } from '../../shared/openai-errors.ts';
import { problemSchema } from '../../shared/problem-schema.ts';
import { callerOf } from '../auth/authenticate.ts';
import { ask } from '../chat/ask.ts';
import { followTurn } from '../chat/follow.ts';
import { projectOf } from '../chat/project.ts';
import { streamedReply, wholeReply } from '../chat/reply.ts';
import type { UserApiDeps } from '../deps.ts';

const CHAT_REPLIES = {
  400: chatErrorSchema,
  401: problemSchema,
  404: chatErrorSchema,
  500: chatErrorSchema,
  503: chatErrorSchema,
} as const;

const TOO_LARGE = new CynodeError('validation', 'Invalid request body: too large');

/** What OpenAI's clients talk to (contract §6.1–6.4). The scope has to be its own: errors have another form there. */
export function registerOpenAiRoutes(scope: HttpApp, deps: UserApiDeps): void {
  answerInOpenAiForm(scope, { tooLarge: TOO_LARGE, refusesTokensByProblem: true });
  registerModels(scope, deps);
  scope.post(
    CHAT_PATHS.completions,
    {
      schema: {
        operationId: 'createChatCompletion',
        tags: ['chat'],
        summary: 'Ask the model',
        description:
          'The last message of role user is stored in the thread of the user and project (OpenAI-Project) that was used within two hours, else in a new one, ' +
          'and answered with the history of that thread. Secrets are taken out before. With stream: server-sent events, ended by [DONE]. ' +
          'The answer is stored also when the client goes away; the reply names its thread in x-cynodeai-thread-id.',
        body: chatCompletionBodySchema,
        response: {
          200: chatCompletionSchema,
          ...CHAT_REPLIES,
          408: chatErrorSchema,
          429: chatErrorSchema,
          502: chatErrorSchema,
          504: chatErrorSchema,
        },
      },
    },
    async (request, reply) => {
      const { body, id: requestId } = request;
      const signal = goneSignal(reply); // before anything is awaited: who goes meanwhile shall be noticed
      const { userId, handle: userHandle } = callerOf(request);
      const chat = { userId, userHandle, projectId: projectOf(request), body, requestId };
      const { turnId, threadId, refusal } = await ask(deps, chat);
      // Asked again, it would be in the thread twice.
      void reply.headers({ [THREAD_HEADER]: threadId, [TURN_HEADER]: turnId, [RETRY_HEADER]: 'false' });
      if (refusal !== null) throw new CynodeError('model_unavailable', refusal);
      const showsText = body.stream === true;
      const events = followTurn(deps, { turnId, limitMs: CHAT_LIMITS.turnMs, showsText, signal });
      const head = { id: turnId, created: Math.floor(Date.now() / 1000), model: body.model || PM_MODEL };
      if (!showsText) return wholeReply(events, head);
      const includeUsage = body.stream_options?.include_usage === true;
      return sendEvents(reply, await streamedReply(events, head, { includeUsage, signal }));
    },
  );
}

/** The reply's declared shapes are those of the reply that is not streamed. */
function sendEvents(reply: FastifyReply, events: Readable): FastifyReply {
  return reply
    .headers({ 'cache-control': 'no-cache', 'x-accel-buffering': 'no' })
    .type('text/event-stream; charset=utf-8')
    .send(events);
}

function registerModels(scope: HttpApp, deps: UserApiDeps): void {
  scope.get(
    CHAT_PATHS.models,
    {
      schema: {
        operationId: 'listModels',
        tags: ['chat'],
        summary: 'List the models that can be asked',
        description: "cynodeai.pm is the project manager's; the others are those of the live nodes.",
        response: { 200: modelListSchema, ...CHAT_REPLIES },
      },
    },
    async () => {
      const names = (await listAvailableModels(deps.db)).map(({ name }) => name);
      return {
        object: 'list' as const,
        data: [PM_MODEL, ...names].map((id) => ({ id, object: 'model' as const, created: 0 as const })),
      };
    },
  );
}
