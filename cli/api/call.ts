import type { z } from 'zod';
import type { Context } from '../context.ts';
import type { HttpReply, HttpRequest } from '../http.ts';
import { parseReply } from '../reply.ts';
import { withRetry } from '../retry.ts';

const PASSING_FAULT_MS = 2000;

export interface RepeatOptions {
  /** How long passing faults (broken connections, 502, 503, 504) are tried again. */
  readonly forMs?: number;
  readonly onRetry?: (error: unknown) => Promise<void>;
}

/** Sends a request that may be repeated without harm. */
export async function sendRepeatable(
  { io, http, session }: Context,
  request: HttpRequest,
  { forMs = PASSING_FAULT_MS, onRetry }: RepeatOptions = {},
): Promise<HttpReply> {
  const opened = await session();
  return withRetry(
    { forMs, reached: () => http.reached, signal: io.signal, ...(onRetry && { onRetry }) },
    () => opened.send(request),
  );
}

/** GETs `path` and checks the reply against `schema`. */
export async function read<T>(
  context: Context,
  schema: z.ZodType<T>,
  request: Omit<HttpRequest, 'method'>,
  options?: RepeatOptions,
): Promise<T> {
  return parseReply(schema, await sendRepeatable(context, { ...request, method: 'GET' }, options));
}
