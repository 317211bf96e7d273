import { z } from 'zod';
import { CHAT_ROLES } from './chat-values.ts';
import { INFERENCE_LIMITS } from './inference.ts';
import { TURN_STATUSES } from './turns.ts';

export * from './chat-values.ts';

const textPartSchema = z.object({ type: z.literal('text'), text: z.string() });

/** Text, or parts of which all are text; parts become one text (design §10, issue "chat"). */
const contentSchema = z.union(
  [
    z.string(),
    z.array(textPartSchema).transform((parts) => parts.map(({ text }) => text).join('')),
    z.null().transform(() => ''),
  ],
  'must be text, or an array of parts of type text; other kinds of parts cannot be read by the models here',
);

const messageSchema = z.object({
  role: z.string().min(1).max(32),
  content: contentSchema.optional().transform((content) => content ?? ''),
});

const absentAsUndefined = <T>(schema: z.ZodType<T>) =>
  schema.nullish().transform((value) => value ?? undefined);

/**
 * Body of `POST /v1/chat/completions` (contract §6.2). Of the messages only the last one of role `user` is used: the
 * history is the stored one. Unknown members are ignored.
 */
export const chatCompletionBodySchema = z
  .object({
    model: absentAsUndefined(z.string().max(INFERENCE_LIMITS.modelName)).meta({
      description: 'An id of GET /v1/models; cynodeai.pm when it is absent or blank.',
    }),
    messages: z
      .array(messageSchema)
      .min(1)
      .max(10_000)
      .meta({ description: 'The last message of role user is the question; earlier ones are not used.' }),
    stream: absentAsUndefined(z.boolean()),
    stream_options: absentAsUndefined(z.object({ include_usage: absentAsUndefined(z.boolean()) })),
    temperature: absentAsUndefined(z.number().min(0).max(2)),
    top_p: absentAsUndefined(z.number().min(0).max(1)),
    max_tokens: absentAsUndefined(z.number().int().min(1).max(INFERENCE_LIMITS.maxTokens)),
    max_completion_tokens: absentAsUndefined(z.number().int().min(1).max(INFERENCE_LIMITS.maxTokens)),
    seed: absentAsUndefined(z.number().int().min(-2_147_483_648).max(2_147_483_647)),
    stop: absentAsUndefined(
      z
        .union([z.string().transform((text) => [text]), z.array(z.string())])
        .pipe(z.array(z.string().min(1).max(INFERENCE_LIMITS.stopCharacters)).max(INFERENCE_LIMITS.stops)),
    ),
  })
  .meta({ id: 'ChatCompletionRequest', examples: [{ messages: [{ role: 'user', content: 'Hello' }] }] });
export type ChatCompletionBody = z.output<typeof chatCompletionBodySchema>;

export const chatUsageSchema = z
  .object({
    prompt_tokens: z.number().int(),
    completion_tokens: z.number().int(),
    total_tokens: z.number().int(),
  })
  .meta({ id: 'ChatUsage' });
export type ChatUsage = z.infer<typeof chatUsageSchema>;

/** Reply of contract §6.4; `usage` is an addition of ours. */
export const chatCompletionSchema = z
  .object({
    id: z.string(),
    object: z.literal('chat.completion'),
    created: z.number().int(),
    model: z.string(),
    choices: z.array(
      z.object({
        index: z.literal(0),
        message: z.object({ role: z.literal('assistant'), content: z.string() }),
        finish_reason: z.string(),
      }),
    ),
    usage: chatUsageSchema.optional(),
  })
  .meta({ id: 'ChatCompletion' });
export type ChatCompletion = z.infer<typeof chatCompletionSchema>;

/** One event of a streamed reply. */
export const chatChunkSchema = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  created: z.number().int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.literal(0),
      delta: z.object({ role: z.literal('assistant').optional(), content: z.string().optional() }),
      finish_reason: z.string().nullable(),
    }),
  ),
  usage: chatUsageSchema.nullish(),
});
export type ChatChunk = z.infer<typeof chatChunkSchema>;

/** Error body of the chat routes (contract §6.4), not a problem. */
export const chatErrorSchema = z
  .object({
    error: z.object({
      message: z.string().meta({ description: 'What is wrong and what to do.' }),
      type: z.literal('cynodeai_error'),
      param: z.null(),
      code: z.string(),
    }),
  })
  .meta({ id: 'ChatError' });
export type ChatError = z.infer<typeof chatErrorSchema>;

export const modelListSchema = z
  .object({
    object: z.literal('list'),
    data: z.array(z.object({ id: z.string(), object: z.literal('model'), created: z.literal(0) })),
  })
  .meta({ id: 'ModelList' });
export type ModelList = z.infer<typeof modelListSchema>;

/** No body is as good as an empty one. */
const nothingAsEmpty = (body: unknown): unknown => body ?? {};

export const createThreadBodySchema = z
  .preprocess(
    nothingAsEmpty,
    z.object({
      project_id: absentAsUndefined(z.uuid('must be a UUID')),
      title: absentAsUndefined(z.string().max(255)),
    }),
  )
  .meta({ id: 'CreateThread', examples: [{ title: 'Holiday plans' }] });

export const threadIdSchema = z.object({ thread_id: z.string() }).meta({ id: 'ThreadId' });

export const threadSchema = z
  .object({
    thread_id: z.string(),
    project_id: z.string().optional(),
    title: z.string().optional(),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'Thread' });
export type Thread = z.infer<typeof threadSchema>;

export const threadListSchema = z
  .object({ threads: z.array(threadSchema), next_offset: z.number().int().optional() })
  .meta({ id: 'ThreadList' });
export type ThreadList = z.infer<typeof threadListSchema>;

export const chatMessageSchema = z
  .object({
    id: z.string(),
    thread_id: z.string(),
    role: z.enum(CHAT_ROLES),
    content: z.string(),
    created_at: z.string(),
    /** Of a user's message that was asked: how far its answer is, and why there is none. */
    answer: z
      .object({ status: z.enum(TURN_STATUSES), error: z.string().optional() })
      .optional()
      .meta({ description: 'Of a question: whether it was answered, and if not why.' }),
  })
  .meta({ id: 'ChatMessage' });
export type ChatMessage = z.infer<typeof chatMessageSchema>;

export const chatMessageListSchema = z
  .object({ messages: z.array(chatMessageSchema), next_offset: z.number().int().optional() })
  .meta({ id: 'ChatMessageList' });
export type ChatMessageList = z.infer<typeof chatMessageListSchema>;

export const addMessageBodySchema = z
  .object({ role: z.literal('user'), content: z.string().min(1).max(1_000_000) })
  .meta({ id: 'AddMessage', examples: [{ role: 'user', content: 'By the way, I prefer metres.' }] });

export const warmBodySchema = z
  .preprocess(nothingAsEmpty, z.object({ model: absentAsUndefined(z.string().max(255)) }))
  .meta({ id: 'WarmModel', examples: [{}] });
export const warmReplySchema = z
  .object({ model: z.string(), state: z.enum(['warm', 'warming']) })
  .meta({ id: 'WarmModelReply' });
