import type { ServerResponse } from 'node:http';
import { DEFAULT_DELTAS } from './script.ts';
import type { ModelCall, ModelReply } from './script.ts';

/** How one protocol writes a reply down. */
export interface Dialect {
  readonly contentType: string;
  readonly delta: (text: string, index: number) => string;
  readonly error: (message: string) => string;
  readonly end: (usage: Usage, finishReason: 'stop' | 'length') => string;
}

export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

const DEFAULT_PROMPT_TOKENS = 7;

export function deltasOf(reply: ModelReply): readonly string[] {
  return reply.deltas ?? DEFAULT_DELTAS;
}

export function usageOf(reply: ModelReply): Usage {
  return {
    promptTokens: reply.promptTokens ?? DEFAULT_PROMPT_TOKENS,
    completionTokens: reply.completionTokens ?? deltasOf(reply).length,
  };
}

/** Says the reply as a stream, with its pauses, cuts and errors. */
export async function speak(
  response: ServerResponse,
  call: ModelCall,
  reply: ModelReply,
  dialect: Dialect,
): Promise<void> {
  await reply.startsWhen;
  await pause(reply.firstDelayMs);
  const headers = (): void => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': dialect.contentType });
  };
  for (const [index, text] of deltasOf(reply).entries()) {
    if (await stopsAt(index, response, call, reply, dialect)) return;
    if (index > 0) await pause(reply.delayMs);
    if (response.destroyed) return;
    headers();
    response.write(dialect.delta(text, index));
  }
  if (await stopsAt(deltasOf(reply).length, response, call, reply, dialect)) return;
  headers();
  response.end(dialect.end(usageOf(reply), reply.finishReason ?? 'stop'));
}

/** Whether the reply is over before its piece number `index`. */
async function stopsAt(
  index: number,
  response: ServerResponse,
  call: ModelCall,
  reply: ModelReply,
  dialect: Dialect,
): Promise<boolean> {
  if (reply.pauseAfter?.deltas === index) await reply.pauseAfter.until;
  if (reply.errorAfter?.deltas === index) {
    if (!response.headersSent) response.writeHead(200, { 'content-type': dialect.contentType });
    response.end(dialect.error(reply.errorAfter.message));
    return true;
  }
  if (reply.cutAfter !== index) return response.destroyed;
  await flushed(response);
  call.outcome = 'cut';
  response.socket?.resetAndDestroy();
  return true;
}

/** What was written must be on its way before the connection is cut. */
async function flushed(response: ServerResponse): Promise<void> {
  if (response.headersSent) await new Promise<void>((resolve) => response.write('', () => resolve()));
  await new Promise((resolve) => setTimeout(resolve, 20));
}

export async function pause(ms: number | undefined): Promise<void> {
  if (ms !== undefined && ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
