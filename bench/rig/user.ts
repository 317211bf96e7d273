import { Pool } from 'undici';
import type { z } from 'zod';
import { tokenPairSchema } from '../../contracts/auth.ts';
import { PATHS } from '../../contracts/paths.ts';
import { taskResultSchema, taskSchema } from '../../contracts/tasks.ts';

const WAIT_SECONDS = 15;
const MAX_WAITS = 20;
const CONNECTIONS = 64;

/** A client of the public API as a program would write one: connections are kept, a result is awaited by long poll. */
export class BenchUser implements AsyncDisposable {
  readonly #pool: Pool;
  #token = '';

  private constructor(gatewayUrl: string) {
    this.#pool = new Pool(gatewayUrl, { connections: CONNECTIONS });
  }

  static async login(gatewayUrl: string, password: string): Promise<BenchUser> {
    const user = new BenchUser(gatewayUrl);
    const pair = await user.call('POST', PATHS.login, tokenPairSchema, { handle: 'admin', password });
    user.#token = pair.access_token;
    return user;
  }

  get authorization(): string {
    return `Bearer ${this.#token}`;
  }

  async create(script: string): Promise<string> {
    const body = { prompt: script, input_mode: 'script', timeout_seconds: 60 };
    return (await this.call('POST', PATHS.tasks, taskSchema, body)).task_id;
  }

  /** Resolves when the task has completed. @throws Error when it ended in another way, or not in five minutes */
  async completed(taskId: string): Promise<void> {
    const path = `${PATHS.tasks}/${taskId}/result?wait=${String(WAIT_SECONDS)}`;
    for (let waits = 0; waits < MAX_WAITS; waits += 1) {
      const { status, error } = await this.call('GET', path, taskResultSchema);
      if (status === 'completed') return;
      if (status === 'failed' || status === 'canceled')
        throw new Error(`task ${taskId} ${status}: ${error ?? ''}`);
    }
    throw new Error(`task ${taskId} did not end`);
  }

  /** From its submission to its result. Returns the task's id. */
  async runTask(script = 'true'): Promise<string> {
    const taskId = await this.create(script);
    await this.completed(taskId);
    return taskId;
  }

  async call<T>(method: 'GET' | 'POST', path: string, reply: z.ZodType<T>, body?: unknown): Promise<T> {
    const response = await this.#pool.request({
      method,
      path,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.#token === '' ? {} : { authorization: this.authorization }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.body.text();
    if (response.statusCode >= 300)
      throw new Error(`${method} ${path}: ${String(response.statusCode)} ${text}`);
    return reply.parse(JSON.parse(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }
}
