import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ModelEvent } from './backends/backend.ts';
import { toCynodeError } from '../shared/openai-errors.ts';
import { CallerGone } from './record.ts';
import type { EventTexts } from './reply.ts';

type Events = AsyncGenerator<ModelEvent, void, undefined>;
type Next = IteratorResult<ModelEvent, void>;

/** How long a stream may be without a sign of life; callers and what is between us take silence for death. */
const SILENCE_MS = 10_000;
/** Comment of server-sent events, which readers pass over. */
const SIGN_OF_LIFE = ': the model is still being waited for\n\n';

export interface Streaming {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly texts: EventTexts;
  readonly events: Events;
  /** Absent: ten seconds. */
  readonly silenceMs?: number | undefined;
}

/**
 * Answers with server-sent events. What fails soon, before the model has said anything, is a reply of its own with its
 * status; a call that waits for longer gets its headers and a comment now and then, and what fails later is an event.
 */
export async function streamEvents(streaming: Streaming): Promise<FastifyReply> {
  const { reply, events, silenceMs = SILENCE_MS } = streaming;
  // A generator that was never read from does not end by itself when its stream is destroyed.
  reply.raw.once('close', () => void events.return().catch(() => undefined));
  const next = events.next();
  await unlessSilent(next, silenceMs);
  void reply
    .type('text/event-stream; charset=utf-8')
    .header('cache-control', 'no-cache')
    .header('x-accel-buffering', 'no');
  return reply.send(Readable.from(written(next, streaming, silenceMs), { objectMode: false }));
}

/** @returns null when nothing came in time */
async function unlessSilent(next: Promise<Next>, silenceMs: number): Promise<Next | null> {
  const came = new AbortController();
  const silence = pause(silenceMs, null, { signal: came.signal });
  try {
    return await Promise.race([next, silence]);
  } finally {
    came.abort();
    for (const each of [next, silence]) each.catch(() => undefined); // nobody may wait for it any more
  }
}

async function* written(
  first: Promise<Next>,
  { events, texts, request }: Streaming,
  silenceMs: number,
): AsyncGenerator<string, void, undefined> {
  let next = first;
  try {
    for (;;) {
      const event = await unlessSilent(next, silenceMs);
      if (event === null) {
        yield SIGN_OF_LIFE;
        continue;
      }
      if (event.done === true) return;
      yield event.value.kind === 'text' ? texts.text(event.value.text) : texts.end(event.value);
      next = events.next();
    }
  } catch (error) {
    if (error instanceof CallerGone) return;
    const known = toCynodeError(error, request.id);
    if (known.code === 'internal') request.log.error({ err: error }, 'model call failed');
    yield texts.error(known);
  } finally {
    await events.return();
  }
}
