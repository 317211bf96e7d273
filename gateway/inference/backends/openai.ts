import type { Dispatcher } from 'undici';
import { z } from 'zod';
import { BackendError } from './backend.ts';
import type { FinishReason, ModelBackend, ModelQuestion, ModelUsage } from './backend.ts';
import { memberOf, parseJson, streamLines } from './exchange.ts';

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z.object({ content: z.string().nullish() }).optional(),
        finish_reason: z.string().nullish(),
      }),
    )
    .default([]),
  usage: z.object({ prompt_tokens: z.number().int(), completion_tokens: z.number().int() }).nullish(),
});

const NO_USAGE: ModelUsage = { promptTokens: null, completionTokens: null };

/** An OpenAI-compatible server: `baseUrl` is what `/chat/completions` comes after, usually with `/v1`. */
export function createOpenAiBackend(target: {
  readonly pool: Dispatcher;
  readonly baseUrl: string;
  readonly bearer: string;
}): ModelBackend {
  return {
    chat: async function* (question, signal) {
      const { pool, bearer } = target;
      const url = `${target.baseUrl}/chat/completions`;
      let finishReason: FinishReason | null = null;
      let usage = NO_USAGE;
      for await (const line of streamLines({ pool, url, bearer, body: bodyOf(question), signal })) {
        if (!line.startsWith('data:')) continue; // comments and other fields of server-sent events
        const data = line.slice('data:'.length).trim();
        if (data === '[DONE]') break;
        const piece = pieceOf(data);
        if (piece.text !== '') yield { kind: 'text', text: piece.text };
        finishReason = piece.finishReason ?? finishReason;
        usage = piece.usage ?? usage;
      }
      if (finishReason === null) throw new BackendError('failed', 'the reply ended before the answer did');
      yield { kind: 'end', finishReason, usage };
    },
  };
}

function pieceOf(data: string) {
  const { choices, usage } = chunkOf(data);
  const [choice] = choices;
  const reason = choice?.finish_reason ?? null;
  return {
    text: choice?.delta?.content ?? '',
    finishReason: reason === null ? null : toFinishReason(reason),
    usage: !usage ? null : toUsage(usage),
  };
}

/** Anything but a cut answer is the model's own end. */
function toFinishReason(reason: string): FinishReason {
  return reason === 'length' ? 'length' : 'stop';
}

function chunkOf(data: string): z.infer<typeof chunkSchema> {
  const value = parseJson(data);
  const message = memberOf(memberOf(value, 'error'), 'message');
  if (typeof message === 'string') throw new BackendError('failed', message);
  const parsed = chunkSchema.safeParse(value);
  if (!parsed.success) throw new BackendError('failed', 'it replied with what is no chat');
  return parsed.data;
}

function toUsage(usage: { prompt_tokens: number; completion_tokens: number }): ModelUsage {
  return { promptTokens: usage.prompt_tokens, completionTokens: usage.completion_tokens };
}

function bodyOf(question: ModelQuestion): unknown {
  return {
    model: question.model,
    messages: question.messages,
    stream: true,
    stream_options: { include_usage: true },
    max_tokens: question.maxTokens,
    temperature: question.temperature,
    top_p: question.topP,
    presence_penalty: question.presencePenalty,
    frequency_penalty: question.frequencyPenalty,
    seed: question.seed,
    stop: question.stop,
    response_format: question.responseFormat,
  };
}
