import { z } from 'zod';
import { ERRORS } from './errors.ts';
import type { ErrorCode } from './errors.ts';

const MIB = 1024 * 1024;

/** Bounds of a call to the model router. */
export const INFERENCE_LIMITS = {
  bodyBytes: 10 * MIB,
  messages: 1_000,
  /** Tokens of an answer that may be asked for. */
  maxTokens: 131_072,
  modelName: 255,
  stops: 8,
  stopCharacters: 256,
  /** Without `max_tokens` a model might never end. */
  defaultMaxTokens: 8_192,
} as const;

/** Who answered a call that went to a node. */
export const PROVIDER_NODE = 'node';

export const CALL_OUTCOMES = ['answered', 'failed', 'canceled', 'refused'] as const;
/** `canceled`: the caller went away. `refused`: nothing was asked, because a budget is spent. */
export type CallOutcome = (typeof CALL_OUTCOMES)[number];

const absentOrNull = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value) => value ?? undefined);

const partSchema = z.object({ type: z.literal('text'), text: z.string() });

/** Text, or parts that are all text; parts become one text. */
const contentSchema = z.union(
  [z.string(), z.array(partSchema).transform((parts) => parts.map(({ text }) => text).join(''))],
  'must be text, or an array of parts of type text',
);

export const MODEL_ROLES = ['system', 'user', 'assistant', 'tool'] as const;

const modelMessageSchema = z.object({
  role: z
    .enum([...MODEL_ROLES, 'developer'])
    .transform((role) => (role === 'developer' ? ('system' as const) : role)),
  content: contentSchema,
});
export type ModelMessage = z.output<typeof modelMessageSchema>;

const stopSchema = z
  .union([z.string().transform((text) => [text]), z.array(z.string())])
  .pipe(z.array(z.string().min(1).max(INFERENCE_LIMITS.stopCharacters)).max(INFERENCE_LIMITS.stops));

const responseFormatSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({ schema: z.record(z.string(), z.unknown()) }),
  }),
]);
export type ResponseFormat = z.output<typeof responseFormatSchema>;

const answerTokens = absentOrNull(z.number().int().min(1).max(INFERENCE_LIMITS.maxTokens));

/**
 * Body of the router's `POST /v1/chat/completions`, OpenAI's as far as the models here can do it: all messages are shown
 * to the model as they are. Unknown members are ignored.
 */
export const modelRequestSchema = z
  .object({
    model: absentOrNull(z.string().max(INFERENCE_LIMITS.modelName)).meta({
      description: 'An id of GET /v1/models; the model of the project manager when absent or blank.',
    }),
    messages: z.array(modelMessageSchema).min(1).max(INFERENCE_LIMITS.messages),
    stream: absentOrNull(z.boolean()),
    stream_options: absentOrNull(z.object({ include_usage: absentOrNull(z.boolean()) })),
    temperature: absentOrNull(z.number().min(0).max(2)),
    top_p: absentOrNull(z.number().min(0).max(1)),
    presence_penalty: absentOrNull(z.number().min(-2).max(2)),
    frequency_penalty: absentOrNull(z.number().min(-2).max(2)),
    max_tokens: answerTokens,
    max_completion_tokens: answerTokens,
    seed: absentOrNull(z.number().int().min(-2_147_483_648).max(2_147_483_647)),
    stop: absentOrNull(stopSchema),
    response_format: absentOrNull(responseFormatSchema),
    n: absentOrNull(z.literal(1)),
    user: absentOrNull(z.uuid()).meta({
      description: 'Whose budget a call with a service token counts for; agent tokens say it themselves.',
    }),
  })
  .meta({
    id: 'ModelRequest',
    examples: [{ messages: [{ role: 'user', content: 'Hello' }], stream: true }],
  });
export type ModelRequest = z.output<typeof modelRequestSchema>;

/** Codes of error bodies in OpenAI's form where they are not our own (contract §6.4). */
const OPENAI_CODES: Partial<Record<ErrorCode, string>> = {
  validation: 'invalid_request',
  question_too_long: 'context_length_exceeded',
  internal: 'internal_error',
  inference_failed: 'orchestrator_inference_failed',
  inference_timeout: 'cynodeai_completion_timeout',
};

/** `error.code` of a body in OpenAI's form. */
export function openAiCodeOf(code: ErrorCode): string {
  return OPENAI_CODES[code] ?? code;
}

/** The code of ours that a body in OpenAI's form names, if it is one. */
export function errorCodeOfOpenAi(openAiCode: string): ErrorCode | undefined {
  const renamed = Object.entries(OPENAI_CODES).find(([, name]) => name === openAiCode)?.[0] ?? openAiCode;
  return isErrorCode(renamed) ? renamed : undefined;
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}
