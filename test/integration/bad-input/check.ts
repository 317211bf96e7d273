import { chatErrorSchema } from '../../../contracts/chat.ts';
import type { Attack, Target } from './row.ts';

export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly payload: string;
}

/** Words of libraries and databases that tell a user nothing, or tell an attacker something. */
const INTERNALS =
  /zod|FST_|ECONN|node_modules|Invalid input|expected .* received|violates|syntax error at|relation "|\bat .*:\d+:\d+/i;

const MAX_DETAIL = 1000;

const TYPES: Readonly<Record<number, string>> = {
  400: 'urn:cynodeai:error:validation',
  401: 'urn:cynodeai:error:authentication',
  403: 'urn:cynodeai:error:authorization',
  404: 'urn:cynodeai:error:not_found',
  408: 'urn:cynodeai:error:validation',
  409: 'https://cynode.ai/specs/conflict',
  410: 'urn:cynodeai:error:not_found',
  413: 'urn:cynodeai:error:validation',
  429: 'urn:cynodeai:error:rate_limit',
  431: 'urn:cynodeai:error:validation',
};

/** What is wrong with an answer; nothing for a good one. */
export function faultsOf(target: Target, route: string, attack: Attack, answer: Answer): string[] {
  const faults =
    route === 'GET /readyz' ? [] : answerFaults(attack, answer, target.rows[route]?.openAi === true);
  const declared = declaredStatuses(target.document, route);
  if (declared !== null && !declared.includes(String(answer.statusCode)) && !isOfTheRouter(answer))
    faults.push(`its document does not declare ${answer.statusCode}`);
  return faults.map((fault) => `${route} · ${attack.what}: ${fault} · ${answer.payload.slice(0, 300)}`);
}

function answerFaults(attack: Attack, answer: Answer, openAi: boolean): string[] {
  const faults: string[] = [];
  const { statusCode } = answer;
  if (!attack.allowed.includes(statusCode)) faults.push(`${statusCode}, not ${attack.allowed.join(' or ')}`);
  if (statusCode < 400 || isOfTheRouter(answer)) return faults;
  const type = answer.headers['content-type'];
  // To users a refused token is a problem on every route (contract §6.4).
  const problem = statusCode === 401 && type === 'application/problem+json';
  if (openAi && !problem) return [...faults, ...openAiFaults(answer, attack.says)];
  if (type !== 'application/problem+json') faults.push(`content type ${String(type)}`);
  return [...faults, ...problemFaults(statusCode, parse(answer.payload), attack.says)];
}

/** An error in OpenAI's form, for people too. */
function openAiFaults({ headers, payload }: Answer, says?: RegExp): string[] {
  const { data } = chatErrorSchema.safeParse(parse(payload));
  if (data === undefined || headers['content-type'] !== 'application/json')
    return ['no error in OpenAI’s form'];
  return detailFaults(data.error.message, says);
}

/** Status, type and title as in contract §2.1, and a detail for people. */
export function problemFaults(status: number, problem: unknown, says?: RegExp): string[] {
  if (typeof problem !== 'object' || problem === null) return ['no problem body'];
  const member = (name: string): unknown => Reflect.get(problem, name);
  const faults: string[] = [];
  if (member('status') !== status) faults.push(`status ${String(member('status'))} in the body`);
  if (status === 503 && member('code') !== 'no_inference_path') faults.push('503 for no declared reason');
  if (status !== 503 && member('type') !== TYPES[status]) faults.push(`type ${String(member('type'))}`);
  if (typeof member('title') !== 'string') faults.push('no title');
  return [...faults, ...detailFaults(member('detail'), says)];
}

function detailFaults(detail: unknown, says?: RegExp): string[] {
  if (typeof detail !== 'string' || detail.length < 8) return ['no detail'];
  if (INTERNALS.test(detail)) return ['a detail of the inside'];
  if (detail.length > MAX_DETAIL) return [`a detail of ${detail.length} characters`];
  return says?.test(detail) === false ? [`a detail that does not match ${String(says)}`] : [];
}

/** Unknown paths and methods are answered in plain text (contract §2). */
function isOfTheRouter({ statusCode, headers, payload }: Answer): boolean {
  if (headers['content-type'] !== 'text/plain; charset=utf-8') return false;
  return (
    (statusCode === 404 && payload === '404 page not found\n') ||
    (statusCode === 405 && payload === 'Method Not Allowed\n' && headers['allow'] !== undefined)
  );
}

/** Null where there is no document. */
function declaredStatuses(document: object | undefined, route: string): string[] | null {
  if (document === undefined) return null;
  const [method = '', path = ''] = route.split(' ');
  const responses = ['paths', path, method.toLowerCase(), 'responses'].reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    document,
  );
  return typeof responses === 'object' && responses !== null ? Object.keys(responses) : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
