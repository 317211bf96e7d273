import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { tokenPairSchema } from '../../contracts/auth.ts';
import { nodeListSchema, type NodeView } from '../../contracts/nodes.ts';
import { PATHS } from '../../contracts/paths.ts';
import { taskCancelSchema, taskResultSchema, taskSchema, type TaskResult } from '../../contracts/tasks.ts';

const RETRY_MS = 300;
const CALL_TIMEOUT_MS = 10_000;
const WAIT_SECONDS = 15;
const UNAUTHORIZED = 401;

interface Call<T> {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly reply: z.ZodType<T>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** What a client was told that it had not asked for: neither success nor "try again". */
export class UnexpectedReply extends Error {
  override readonly name = 'UnexpectedReply';
}

/** A patient client of the public API: repeats what did not get through, as docs tell clients to. */
export class ApiUser {
  readonly #url: string;
  readonly #password: string;
  readonly #stop: AbortSignal;
  #token = '';
  #login: Promise<void> | undefined;

  constructor(url: string, password: string, stop: AbortSignal) {
    this.#url = url;
    this.#password = password;
    this.#stop = stop;
  }

  /** Creates the task once, however often it has to be asked for. */
  async createTask(key: string, script: string): Promise<string> {
    const task = await this.#persist({
      method: 'POST',
      path: PATHS.tasks,
      reply: taskSchema,
      headers: { 'idempotency-key': key },
      body: { prompt: script, input_mode: 'script', task_name: key, timeout_seconds: 60 },
    });
    return task.task_id;
  }

  /** The result as it is when the task ends, or after some seconds. */
  waitForResult(taskId: string): Promise<TaskResult> {
    return this.#persist({
      method: 'GET',
      path: `${PATHS.tasks}/${taskId}/result?wait=${WAIT_SECONDS}`,
      reply: taskResultSchema,
      timeoutMs: CALL_TIMEOUT_MS + WAIT_SECONDS * 1_000,
    });
  }

  async cancel(taskId: string): Promise<void> {
    await this.#persist({
      method: 'POST',
      path: `${PATHS.tasks}/${taskId}/cancel`,
      reply: taskCancelSchema,
    });
  }

  async listNodes(): Promise<readonly NodeView[]> {
    const { nodes } = await this.#persist({ method: 'GET', path: PATHS.nodes, reply: nodeListSchema });
    return nodes;
  }

  async #persist<T>(call: Call<T>): Promise<T> {
    for (;;) {
      this.#stop.throwIfAborted();
      const outcome = await this.#once(call).catch((error: unknown) => {
        if (error instanceof UnexpectedReply) throw error;
        return null; // not reached, or no answer in time
      });
      if (outcome !== null) return outcome.value;
      await delay(RETRY_MS, undefined, { signal: this.#stop });
    }
  }

  /** The parsed reply; null when trying again is right. */
  async #once<T>(call: Call<T>): Promise<{ readonly value: T } | null> {
    if (this.#token === '') await this.#loginOnce();
    const reply = await this.#send(call.path, call, this.#token);
    if (reply.status === UNAUTHORIZED) {
      this.#token = '';
      return null;
    }
    if (reply.status === 429 || isUnavailable(reply)) return null;
    if (reply.status >= 400) {
      throw new UnexpectedReply(
        `${call.method} ${call.path}: ${reply.status} ${JSON.stringify(reply.content)}`,
      );
    }
    return { value: call.reply.parse(reply.content) };
  }

  #loginOnce(): Promise<void> {
    this.#login ??= this.#logIn().finally(() => (this.#login = undefined));
    return this.#login;
  }

  async #logIn(): Promise<void> {
    const body = { handle: 'admin', password: this.#password };
    const { status, content } = await this.#send(PATHS.login, { method: 'POST', body });
    if (isUnavailable({ status, content })) throw new Error('login: unavailable');
    if (status !== 200) throw new UnexpectedReply(`login: ${status} ${JSON.stringify(content)}`);
    this.#token = tokenPairSchema.parse(content).access_token;
  }

  async #send(
    path: string,
    call: Pick<Call<unknown>, 'method' | 'body' | 'headers' | 'timeoutMs'>,
    token = '',
  ): Promise<{ readonly status: number; readonly content: unknown }> {
    const reply = await fetch(`${this.#url}${path}`, {
      method: call.method,
      headers: {
        ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...call.headers,
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      signal: AbortSignal.any([this.#stop, AbortSignal.timeout(call.timeoutMs ?? CALL_TIMEOUT_MS)]),
    });
    const text = await reply.text();
    return { status: reply.status, content: text === '' ? undefined : JSON.parse(text) };
  }
}

const unavailableSchema = z.object({ code: z.literal('unavailable').optional() });

/** The only failure that clients have to live with, without a code from a server that closes; any other is a fault of ours. */
function isUnavailable(reply: { readonly status: number; readonly content: unknown }): boolean {
  return reply.status === 503 && unavailableSchema.safeParse(reply.content).success;
}
