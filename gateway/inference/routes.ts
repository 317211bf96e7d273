import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { CHAT_PATHS, PM_MODEL } from '../../contracts/chat-values.ts';
import { chatCompletionSchema, chatErrorSchema, modelListSchema } from '../../contracts/chat.ts';
import type { ChatCompletion, ModelList } from '../../contracts/chat.ts';
import { CynodeError } from '../../contracts/errors.ts';
import { INFERENCE_LIMITS, modelRequestSchema } from '../../contracts/inference.ts';
import type { TokenService } from '../../platform/crypto/tokens.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { listAvailableModels } from '../../schema/chat/models.ts';
import type { Database } from '../../schema/database.ts';
import { goneSignal } from '../shared/gone-signal.ts';
import type { ModelEvent } from './backends/backend.ts';
import { callerOfRequest, requireCaller } from './caller.ts';
import { answerInOpenAiForm } from '../shared/openai-errors.ts';
import { CallerGone } from './record.ts';
import { eventTexts, toCompletion } from './reply.ts';
import type { ReplyHead } from './reply.ts';
import { createModelRouter } from './router.ts';
import type { RouterDeps } from './router.ts';
import { streamEvents } from './stream.ts';

export interface InferenceDeps extends RouterDeps {
  readonly tokens: TokenService;
}

const COMMON_ERRORS = {
  400: chatErrorSchema,
  401: chatErrorSchema,
  500: chatErrorSchema,
  503: chatErrorSchema,
} as const;
const ASK_ERRORS = {
  ...COMMON_ERRORS,
  404: chatErrorSchema,
  413: chatErrorSchema,
  429: chatErrorSchema,
  502: chatErrorSchema,
  504: chatErrorSchema,
} as const;

const TOO_LARGE = new CynodeError('payload_too_large', 'The request is larger than 10 MiB; send less');

/** The model router for agents and our own roles, in OpenAI's form (design §6). */
export function inferenceRoutes(scope: HttpApp, deps: InferenceDeps): void {
  const router = createModelRouter(deps);
  scope.addHook('preClose', async () => router.close());
  scope.addHook('onClose', () => router[Symbol.asyncDispose]());
  answerInOpenAiForm(scope, { tooLarge: TOO_LARGE });
  requireCaller(scope, deps.tokens);
  scope.get(
    CHAT_PATHS.models,
    {
      schema: {
        operationId: 'listModels',
        tags: ['inference'],
        summary: 'List the models that can be asked',
        description: `Those of the nodes that are live now, after ${PM_MODEL}, the one of the project manager.`,
        security: [{ agentToken: [] }],
        response: { 200: modelListSchema, ...COMMON_ERRORS },
      },
    },
    async () => listModels(deps.db),
  );
  scope.post(
    CHAT_PATHS.completions,
    {
      bodyLimit: INFERENCE_LIMITS.bodyBytes,
      schema: {
        operationId: 'askModel',
        tags: ['inference'],
        summary: 'Ask a model',
        description:
          'OpenAI’s chat completions. With `stream` the reply is a stream of server-sent events: chunks, then `[DONE]`, ' +
          'or an event with `error` when the model breaks off. Closing the connection ends the generation.',
        security: [{ agentToken: [] }],
        body: modelRequestSchema,
        response: { 200: chatCompletionSchema, ...ASK_ERRORS },
      },
    },
    async (request, reply) => {
      const { body } = request;
      const events = router.ask(callerOfRequest(request), body, goneSignal(reply, new CallerGone()));
      const head: ReplyHead = {
        id: `chatcmpl-${randomUUID()}`,
        created: Math.floor(Date.now() / 1000),
        model: body.model?.trim() || PM_MODEL,
      };
      return unlessGone<ChatCompletion | FastifyReply>(reply, async () =>
        body.stream === true
          ? streamEvents({
              request,
              reply,
              texts: eventTexts(head, body.stream_options?.include_usage === true),
              events,
            })
          : whole(head, events),
      );
    },
  );
}

async function listModels(db: Database): Promise<ModelList> {
  const names = (await listAvailableModels(db)).map(({ name }) => name);
  return {
    object: 'list',
    data: [PM_MODEL, ...names].map((id) => ({ id, object: 'model', created: 0 })),
  };
}

/** A caller that has gone is told nothing. */
async function unlessGone<T>(reply: FastifyReply, answer: () => Promise<T>): Promise<T | FastifyReply> {
  try {
    return await answer();
  } catch (error) {
    if (!(error instanceof CallerGone)) throw error;
    return reply.hijack();
  }
}

async function whole(head: ReplyHead, events: AsyncIterable<ModelEvent>): Promise<ChatCompletion> {
  let text = '';
  for await (const event of events) {
    if (event.kind === 'end') return toCompletion(head, text, event);
    text += event.text;
  }
  throw new Error('an answer has no end');
}
