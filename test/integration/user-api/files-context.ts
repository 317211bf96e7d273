import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { artifactListSchema } from '../../../contracts/artifacts.ts';
import type { Artifact } from '../../../contracts/artifacts.ts';
import { taskSchema } from '../../../contracts/tasks.ts';
import type { Task } from '../../../contracts/tasks.ts';
import { startUserApiHarness } from '../../support/user-api/harness.ts';
import type { TestUser, UserApiHarness } from '../../support/user-api/harness.ts';

export const MIB = 1024 * 1024;

export type File = readonly [name: string, content: Uint8Array<ArrayBuffer>, type?: string];

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A gateway on a socket of its own, because forms are streamed, with a user that is logged in. */
export interface FilesGateway {
  readonly api: UserApiHarness;
  readonly user: TestUser;
  readonly origin: string;
}

export function useFilesGateway(): () => FilesGateway {
  let gateway: FilesGateway | undefined;
  beforeAll(async () => {
    const api = await startUserApiHarness();
    const origin = await api.app.listen({ host: '127.0.0.1', port: 0 });
    gateway = { api, user: await api.createUser(), origin };
  });
  afterAll(async () => gateway?.api[Symbol.asyncDispose]());
  return () => {
    if (gateway === undefined) throw new Error('the gateway is there only inside tests');
    return gateway;
  };
}

export const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
export const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** A task as a form, with the files as its attachments. */
export function formOf(files: readonly File[], fields: Readonly<Record<string, string>> = {}): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries({ prompt: 'true', input_mode: 'script', ...fields })) {
    form.append(name, value);
  }
  for (const [name, content, type] of files) {
    form.append('attachments', new Blob([content], type === undefined ? {} : { type }), name);
  }
  return form;
}

export async function create(
  { origin, user }: FilesGateway,
  form: FormData | string,
  headers: Record<string, string> = {},
  by = user,
): Promise<Answer> {
  const reply = await fetch(`${origin}/v1/tasks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${by.tokens.access_token}`, ...headers },
    body: form,
  });
  return { status: reply.status, body: await reply.json() };
}

export async function created(...args: Parameters<typeof create>): Promise<Task> {
  const { status, body } = await create(...args);
  expect([status, body]).toEqual([201, expect.anything()]);
  return taskSchema.parse(body);
}

export async function artifactsOf({ user }: FilesGateway, task: Task): Promise<Artifact[]> {
  const reply = await user.call({ url: `/v1/tasks/${task.id}/artifacts` });
  return artifactListSchema.parse(reply.body).artifacts;
}

export function download(
  { origin, user }: FilesGateway,
  path: string,
  { by = user, method = 'GET' } = {},
): Promise<Response> {
  return fetch(`${origin}/v1/tasks/${path}`, {
    method,
    headers: { authorization: `Bearer ${by.tokens.access_token}` },
  });
}
