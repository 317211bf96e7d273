import { CHAT_PATHS, PROJECT_HEADER, THREAD_HEADER } from '../../contracts/chat-values.ts';
import {
  chatChunkSchema,
  chatErrorSchema,
  chatMessageListSchema,
  modelListSchema,
  threadIdSchema,
  threadListSchema,
  warmReplySchema,
  type ChatMessageList,
  type ModelList,
  type ThreadList,
} from '../../contracts/chat.ts';
import type { Context } from '../context.ts';
import { CliError, EXIT } from '../errors.ts';
import { parseReply } from '../reply.ts';
import { dataOf } from '../server-events.ts';
import { read, sendRepeatable } from './call.ts';

export interface Question {
  readonly text: string;
  /** Undefined for the project manager's. */
  readonly model: string | undefined;
  readonly projectId: string | undefined;
}

/** The gateway sends something every ten seconds, also while the model thinks. */
const SILENCE_MS = 60_000;
/** The gateway ends a turn after 200 s. */
const WHOLE_MS = 215_000;

/**
 * Asks and hands the answer over piece by piece. Not repeated: each call is a question of its own.
 * @returns the thread that it is kept in. @throws GatewayError · NetworkError · InterruptedError
 */
export async function ask(
  context: Context,
  { text, model, projectId }: Question,
  { signal, onText }: { readonly signal: AbortSignal; readonly onText: (text: string) => Promise<void> },
): Promise<string | undefined> {
  const session = await context.session();
  let finished = false;
  const reply = await session.send({
    method: 'POST',
    path: CHAT_PATHS.completions,
    body: { model, messages: [{ role: 'user', content: text }], stream: true },
    headers: projectHeader(projectId),
    timeoutMs: SILENCE_MS,
    signal: AbortSignal.any([signal, AbortSignal.timeout(WHOLE_MS)]),
    sink: async (content) => {
      for await (const data of dataOf(content)) {
        if (data === '[DONE]') finished = true;
        else await onText(textOf(data));
      }
    },
  });
  if (!finished) throw new CliError(EXIT.remote, 'the answer was cut off', { hint: LATER });
  return reply.headers?.[THREAD_HEADER];
}

const LATER = 'It is finished without you: /thread show prints it.';

function textOf(data: string): string {
  const value: unknown = JSON.parse(data);
  const failure = chatErrorSchema.safeParse(value);
  if (failure.success) throw new CliError(EXIT.remote, failure.data.error.message);
  return chatChunkSchema.parse(value).choices[0]?.delta.content ?? '';
}

function projectHeader(projectId: string | undefined): Record<string, string> {
  return projectId === undefined ? {} : { [PROJECT_HEADER]: projectId };
}

export function listModels(context: Context): Promise<ModelList> {
  return read(context, modelListSchema, { path: CHAT_PATHS.models });
}

/** Whether the model answers at once. */
export async function isWarm(context: Context, model: string | undefined): Promise<boolean> {
  const request = { method: 'POST', path: CHAT_PATHS.warm, body: { model } } as const;
  return parseReply(warmReplySchema, await sendRepeatable(context, request)).state === 'warm';
}

/** A new thread; the next question goes there. */
export async function createThread(context: Context, projectId: string | undefined): Promise<string> {
  const session = await context.session();
  const reply = await session.send({
    method: 'POST',
    path: CHAT_PATHS.threads,
    body: {},
    headers: projectHeader(projectId),
  });
  return parseReply(threadIdSchema, reply).thread_id;
}

export function listThreads(context: Context, projectId: string | undefined): Promise<ThreadList> {
  return read(context, threadListSchema, {
    path: CHAT_PATHS.threads,
    query: { project_id: projectId, limit: 20 },
  });
}

export function listMessages(context: Context, threadId: string): Promise<ChatMessageList> {
  return read(context, chatMessageListSchema, {
    path: `${CHAT_PATHS.threads}/${encodeURIComponent(threadId)}/messages`,
    query: { limit: 200 },
  });
}
