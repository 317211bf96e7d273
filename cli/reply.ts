import type { z } from 'zod';
import { CliError, EXIT, GatewayError } from './errors.ts';
import type { HttpReply } from './http.ts';
import { printable } from './render/fields.ts';

const MAX_PROBLEM_CHARS = 4096;

/** The reply's JSON body, checked; exit code 7 when it is not what the contract says. */
export function parseReply<T>(schema: z.ZodType<T>, reply: HttpReply): T {
  const parsed = schema.safeParse(jsonOf(reply.text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue && issue.path.length > 0 ? ` (at ${issue.path.join('.')})` : '';
  throw new CliError(EXIT.remote, `the gateway's reply is not understood${where}`, {
    hint: 'Does gateway_url point at a CyNodeAI gateway of this version?',
  });
}

/** The error of a reply of 400 or more: the problem's `detail`, else the status line (contract §2.1, §17.3). */
export function toGatewayError(reply: HttpReply, hint?: string): GatewayError {
  const problem = problemOf(reply.text.slice(0, MAX_PROBLEM_CHARS));
  const message = problem.detail ?? `the gateway answered HTTP ${reply.status} ${reply.statusText}`.trimEnd();
  return new GatewayError(reply.status, printable(message), problem, hint === undefined ? {} : { hint });
}

interface ProblemParts {
  readonly detail?: string;
  readonly code?: string;
}

/** Read by hand: an error must be shown also when its body is not what it should be. */
function problemOf(text: string): ProblemParts {
  const body = jsonOf(text);
  if (typeof body !== 'object' || body === null) return {};
  if ('error' in body) return openAiPartsOf(body.error);
  const detail = 'detail' in body && typeof body.detail === 'string' ? body.detail : '';
  const code = 'code' in body && typeof body.code === 'string' ? body.code : '';
  return { ...(detail !== '' && { detail }), ...(code !== '' && { code }) };
}

/** Errors of the chat routes have OpenAI's form (contract §6.4). */
function openAiPartsOf(error: unknown): ProblemParts {
  if (typeof error !== 'object' || error === null) return {};
  const detail = 'message' in error && typeof error.message === 'string' ? error.message : '';
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return { ...(detail !== '' && { detail }), ...(code !== '' && { code }) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
