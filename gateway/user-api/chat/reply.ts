import { Readable } from 'node:stream';
import type { ChatChunk, ChatCompletion, ChatUsage } from '../../../contracts/chat.ts';
import { CynodeError } from '../../../contracts/errors.ts';
import type { TurnState } from '../../../schema/turns/read.ts';
import { openAiErrorOf } from '../../shared/openai-errors.ts';
import type { TurnEvent } from './follow.ts';
import { describeTurnFailure } from './turn-failure.ts';

/** What every part of a reply repeats. */
export interface ReplyHead {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  /** As the client named it. */
  readonly model: string;
}

type TurnEvents = AsyncGenerator<TurnEvent, void, undefined>;

/** Waits for the answer. @throws CynodeError that says why there is none */
export async function wholeReply(events: TurnEvents, head: ReplyHead): Promise<ChatCompletion> {
  for await (const event of events) {
    if (event.kind === 'failed') throw failure(event);
    if (event.kind === 'answered') return toCompletion(head, event.turn);
  }
  throw new CynodeError('unavailable', 'The client has gone; the answer will be in the thread');
}

function failure({ code }: Extract<TurnEvent, { kind: 'failed' }>): CynodeError {
  const described = describeTurnFailure(code);
  return new CynodeError(described.code, described.message);
}

function toCompletion(head: ReplyHead, turn: TurnState): ChatCompletion {
  const usage = usageOf(turn);
  return {
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: turn.text ?? '' },
        finish_reason: turn.finish_reason ?? 'stop',
      },
    ],
    ...(usage === null ? {} : { usage }),
  };
}

function usageOf({ prompt_tokens, completion_tokens }: TurnState): ChatUsage | null {
  if (prompt_tokens === null || completion_tokens === null) return null;
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

/** How long a failure may still become the status of the reply, before it is an event of the stream. */
const FIRST_EVENT_MS = 10_000;
/** Something is sent at least this often, so that nobody in between takes the connection for dead. */
const KEEP_ALIVE_MS = 10_000;
/** Comments of server-sent events, which readers pass over. */
const WAITING_COMMENT = ': waiting\n\n';
const BUSY_COMMENT = ': every node with the model is busy; waiting for a place\n\n';

/**
 * The reply as server-sent events in OpenAI's form. It begins with the first text. Reading of the turn ends with the reply,
 * also when nobody ever reads that, and when the client goes.
 * @throws CynodeError that says why there is no answer, when that is known soon enough
 */
export async function streamedReply(
  events: TurnEvents,
  head: ReplyHead,
  options: { readonly includeUsage: boolean; readonly signal: AbortSignal },
): Promise<Readable> {
  options.signal.addEventListener('abort', () => void events.return(), { once: true });
  try {
    const first = await firstEvent(events);
    if (first?.kind === 'failed') throw failure(first);
    const reply = Readable.from(serverSentEvents(events, first, head, options), { objectMode: false });
    return reply.once('close', () => void events.return());
  } catch (error) {
    await events.return();
    throw error;
  }
}

async function firstEvent(events: TurnEvents): Promise<TurnEvent | null> {
  const untilMs = performance.now() + FIRST_EVENT_MS;
  while (performance.now() < untilMs) {
    const next = await events.next();
    if (next.done === true) return null;
    if (next.value.kind !== 'quiet') return next.value;
  }
  return null;
}

async function* serverSentEvents(
  events: TurnEvents,
  first: TurnEvent | null,
  head: ReplyHead,
  { includeUsage }: { readonly includeUsage: boolean },
): AsyncGenerator<string, void, undefined> {
  yield toEvent(chunkOf(head, { role: 'assistant', content: '' }, null));
  let sentAtMs = performance.now();
  let saidBusy = false;
  for await (const event of startWith(first, events)) {
    if (event.kind === 'text') yield toEvent(chunkOf(head, { content: event.text }, null));
    if (event.kind === 'answered') return yield* lastEvents(head, event.turn, includeUsage);
    if (event.kind === 'failed') return yield toEvent(openAiErrorOf(describeTurnFailure(event.code)));
    if (event.kind === 'quiet') {
      const isNews = event.busy && !saidBusy;
      if (!isNews && performance.now() - sentAtMs < KEEP_ALIVE_MS) continue;
      saidBusy ||= event.busy;
      yield event.busy ? BUSY_COMMENT : WAITING_COMMENT;
    }
    sentAtMs = performance.now();
  }
}

async function* startWith(
  first: TurnEvent | null,
  rest: TurnEvents,
): AsyncGenerator<TurnEvent, void, undefined> {
  if (first !== null) yield first;
  yield* rest;
}

function* lastEvents(
  head: ReplyHead,
  turn: TurnState,
  includeUsage: boolean,
): Generator<string, void, undefined> {
  yield toEvent(chunkOf(head, {}, turn.finish_reason ?? 'stop'));
  if (includeUsage)
    yield toEvent({ ...head, object: 'chat.completion.chunk', choices: [], usage: usageOf(turn) });
  yield 'data: [DONE]\n\n';
}

function chunkOf(
  head: ReplyHead,
  delta: ChatChunk['choices'][number]['delta'],
  finish_reason: string | null,
): ChatChunk {
  return { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] };
}

function toEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}
