import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { ModelCall, ModelServerState } from './script.ts';
import { deltasOf, pause, sendJson, speak, usageOf } from './speak.ts';
import type { Dialect, Usage } from './speak.ts';

const bodySchema = z.looseObject({
  stream: z.boolean().optional(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).optional(),
});

type Route = (response: ServerResponse, call: ModelCall, state: ModelServerState) => Promise<void> | void;

const ID = 'chatcmpl-script';
const CREATED = 1_750_000_000;

/** OpenAI's API by method and path. */
export const OPENAI_ROUTES: Readonly<Record<string, Route>> = {
  'GET /v1/models': (response, _call, { models }) =>
    sendJson(response, 200, {
      object: 'list',
      data: [...models.keys()].map((id) => ({ id, object: 'model', created: CREATED, owned_by: 'script' })),
    }),
  'POST /v1/chat/completions': complete,
};

async function complete(response: ServerResponse, call: ModelCall, state: ModelServerState): Promise<void> {
  const body = bodySchema.parse(call.body);
  if (!state.models.has(call.model))
    return sendError(response, 404, `The model '${call.model}' does not exist`, 'model_not_found');
  const reply = state.replyTo(call);
  if (reply.error !== undefined) return sendError(response, reply.error.status, reply.error.message, null);
  if (body.stream === true)
    return speak(response, call, reply, dialectOf(call, body.stream_options?.include_usage === true));
  await reply.startsWhen;
  await pause(reply.firstDelayMs);
  sendJson(response, 200, {
    id: ID,
    object: 'chat.completion',
    created: CREATED,
    model: call.model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: deltasOf(reply).join('') },
        finish_reason: reply.finishReason ?? 'stop',
      },
    ],
    usage: usageMembers(usageOf(reply)),
  });
}

function sendError(response: ServerResponse, status: number, message: string, code: string | null): void {
  sendJson(response, status, { error: { message, type: 'invalid_request_error', param: null, code } });
}

function dialectOf(call: ModelCall, withUsage: boolean): Dialect {
  const event = (members: object): string => {
    const chunk = {
      id: ID,
      object: 'chat.completion.chunk',
      created: CREATED,
      model: call.model,
      ...members,
    };
    return `data: ${JSON.stringify(chunk)}\n\n`;
  };
  const choice = (delta: object, finishReason: string | null): object => ({
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  });
  return {
    contentType: 'text/event-stream',
    delta: (content, index) =>
      event(choice(index === 0 ? { role: 'assistant', content } : { content }, null)),
    error: (message) => `data: ${JSON.stringify({ error: { message, type: 'server_error' } })}\n\n`,
    end: (usage, reason) =>
      event(choice({}, reason)) +
      (withUsage ? event({ choices: [], usage: usageMembers(usage) }) : '') +
      'data: [DONE]\n\n',
  };
}

function usageMembers({ promptTokens, completionTokens }: Usage) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
