import type { ChatChunk, ChatCompletion, ChatUsage } from '../../contracts/chat.ts';
import type { CynodeError } from '../../contracts/errors.ts';
import type { ModelEvent, ModelUsage } from './backends/backend.ts';
import { openAiErrorOf } from '../shared/openai-errors.ts';

/** What is said of a reply in each of its parts. */
export interface ReplyHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** As it was asked for. */
  readonly model: string;
}

type EndEvent = Extract<ModelEvent, { kind: 'end' }>;

export function toCompletion(
  head: ReplyHead,
  text: string,
  { finishReason, usage }: EndEvent,
): ChatCompletion {
  const message = { role: 'assistant', content: text } as const;
  return {
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: finishReason }],
    ...usageMember(usage),
  };
}

/** Server-sent events of a streamed reply, in OpenAI's form. */
export interface EventTexts {
  text(text: string): string;
  end(end: EndEvent): string;
  error(error: CynodeError): string;
}

export function eventTexts(head: ReplyHead, withUsage: boolean): EventTexts {
  let said = false;
  const chunk = (members: Pick<ChatChunk, 'choices' | 'usage'>): string => {
    const whole: ChatChunk = { ...head, object: 'chat.completion.chunk', ...members };
    return toEvent(whole);
  };
  return {
    text: (content) => {
      const delta = said ? { content } : { role: 'assistant' as const, content };
      said = true;
      return chunk({ choices: [{ index: 0, delta, finish_reason: null }] });
    },
    end: ({ finishReason, usage }) =>
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: finishReason }] }) +
      (withUsage ? chunk({ choices: [], ...usageMember(usage) }) : '') +
      'data: [DONE]\n\n',
    error: (error) => toEvent(openAiErrorOf(error)),
  };
}

function toEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

function usageMember({ promptTokens, completionTokens }: ModelUsage): { usage?: ChatUsage } {
  if (promptTokens === null && completionTokens === null) return {};
  const [prompt, completion] = [promptTokens ?? 0, completionTokens ?? 0];
  return {
    usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
  };
}
