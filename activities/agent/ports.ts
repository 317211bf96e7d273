import type { ModelPort, ModelQuestion, TurnPort } from '../../agent/chat/answer.ts';
import { CHAT_PATHS } from '../../contracts/chat-values.ts';
import { chatChunkSchema } from '../../contracts/chat.ts';
import { CynodeError } from '../../contracts/errors.ts';
import { errorCodeOfOpenAi } from '../../contracts/inference.ts';
import { beginTurnPath, turnWorkSchema } from '../../contracts/turns.ts';
import type { HttpClient } from '../../platform/http/client.ts';
import type { EventsClient } from '../../platform/http/events.ts';

export interface ControlPlanePorts {
  readonly controlPlaneUrl: string;
  readonly http: HttpClient;
  readonly events: EventsClient;
  /** Token of this role. */
  readonly serviceToken: () => Promise<string>;
}

/** Turns as the control plane gives them. */
export function createTurnPort({ controlPlaneUrl, http, serviceToken }: ControlPlanePorts): TurnPort {
  return {
    begin: async (turnId, signal) => {
      const { data } = await http.send({
        method: 'POST',
        url: `${controlPlaneUrl}${beginTurnPath(turnId)}`,
        bearer: await serviceToken(),
        body: {},
        reply: turnWorkSchema,
        signal,
      });
      if (data.kind === 'ended') return null;
      const { model, messages, options, agent_token: token } = data;
      return { model, messages, options, token };
    },
  };
}

/** The model router of the control plane. */
export function createModelPort({ controlPlaneUrl, events }: ControlPlanePorts): ModelPort {
  return {
    ask: async function* (question, signal) {
      let finished = false;
      const request = {
        url: `${controlPlaneUrl}${CHAT_PATHS.completions}`,
        bearer: question.token,
        body: bodyOf(question),
        signal,
      };
      for await (const data of events.post(request)) {
        if (data === '[DONE]') break;
        const { text, finish } = parseEvent(data);
        finished ||= finish;
        if (text !== '') yield text;
      }
      if (!finished) throw new CynodeError('inference_failed', 'the answer of the model was cut off');
    },
  };
}

function bodyOf({ model, messages, options }: ModelQuestion): object {
  return { ...(model === null ? {} : { model }), ...options, messages, stream: true };
}

function parseEvent(data: string): { readonly text: string; readonly finish: boolean } {
  const value = parseJson(data);
  const chunk = chatChunkSchema.safeParse(value);
  if (!chunk.success) throw toError(value);
  const choice = chunk.data.choices[0];
  return { text: choice?.delta.content ?? '', finish: typeof choice?.finish_reason === 'string' };
}

/** The parser's own error would quote the answer, and be logged. @throws CynodeError `inference_failed` */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CynodeError('inference_failed', 'an event of the model router is no JSON');
  }
}

/** An event with `error` ends a stream that has begun. */
function toError(value: unknown): CynodeError {
  const error: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, 'error') : undefined;
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  const known = typeof code === 'string' ? errorCodeOfOpenAi(code) : undefined;
  return new CynodeError(known ?? 'inference_failed', 'the model broke off');
}
