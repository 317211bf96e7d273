import type { Dispatcher } from 'undici';
import { z } from 'zod';
import type { ResponseFormat } from '../../../contracts/inference.ts';
import { BackendError } from './backend.ts';
import type { ModelBackend, ModelEvent, ModelQuestion } from './backend.ts';
import { parseJson, streamLines } from './exchange.ts';

const count = z.number().int().min(0).optional().catch(undefined);

const lineSchema = z.union([
  z.object({ error: z.string() }),
  z.object({
    message: z.object({ content: z.string().default('') }).optional(),
    done: z.boolean(),
    done_reason: z.string().optional(),
    prompt_eval_count: count,
    eval_count: count,
  }),
]);

/** Ollama's `/api/chat`, below a base URL that may be a node's proxy. */
export function createOllamaBackend(target: {
  readonly pool: Dispatcher;
  readonly baseUrl: string;
  readonly bearer: string;
}): ModelBackend {
  return {
    chat: async function* (question, signal) {
      const { pool, bearer } = target;
      const url = `${target.baseUrl}/api/chat`;
      for await (const line of streamLines({ pool, url, bearer, body: bodyOf(question), signal })) {
        const event = eventOf(line);
        if (event !== null) yield event;
        if (event?.kind === 'end') return;
      }
      throw new BackendError('failed', 'the reply ended before the answer did');
    },
  };
}

/** Null for a line that says nothing. */
function eventOf(line: string): ModelEvent | null {
  const parsed = lineSchema.safeParse(parseJson(line));
  if (!parsed.success) throw new BackendError('failed', 'it replied with what is no chat');
  if ('error' in parsed.data) throw new BackendError('failed', parsed.data.error);
  const {
    done,
    done_reason: reason,
    message,
    prompt_eval_count: prompt,
    eval_count: completion,
  } = parsed.data;
  if (done)
    return {
      kind: 'end',
      finishReason: reason === 'length' ? 'length' : 'stop',
      // A prompt that was wholly in the cache is not counted by older versions.
      usage: { promptTokens: prompt ?? null, completionTokens: completion ?? null },
    };
  const text = message?.content ?? '';
  return text === '' ? null : { kind: 'text', text };
}

function bodyOf(question: ModelQuestion): unknown {
  const format = formatOf(question.responseFormat);
  return {
    model: question.model,
    messages: question.messages,
    stream: true,
    ...(question.keepLoaded && { keep_alive: -1 }),
    ...(format !== undefined && { format }),
    options: {
      num_predict: question.maxTokens,
      num_ctx: question.contextTokens,
      temperature: question.temperature,
      top_p: question.topP,
      presence_penalty: question.presencePenalty,
      frequency_penalty: question.frequencyPenalty,
      seed: question.seed,
      stop: question.stop,
    },
  };
}

function formatOf(format: ResponseFormat | undefined): unknown {
  switch (format?.type) {
    case 'json_object':
      return 'json';
    case 'json_schema':
      return format.json_schema.schema;
    case 'text':
    case undefined:
      return undefined;
  }
}
