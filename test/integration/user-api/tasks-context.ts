import { afterAll, beforeAll } from '@jest/globals';
import { taskSchema } from '../../../contracts/tasks.ts';
import type { Task } from '../../../contracts/tasks.ts';
import { startUserApiHarness } from '../../support/user-api/harness.ts';
import type { Reply, TestUser, UserApiHarness } from '../../support/user-api/harness.ts';

/** A user gateway and a user of it for the calling test file, and what its tests do with tasks. */
export function useTasks() {
  let started: { readonly api: UserApiHarness; readonly user: TestUser } | undefined;
  beforeAll(async () => {
    const api = await startUserApiHarness();
    started = { api, user: await api.createUser() };
  });
  afterAll(async () => started?.api[Symbol.asyncDispose]());
  const here = (): { readonly api: UserApiHarness; readonly user: TestUser } => {
    if (started === undefined) throw new Error('the gateway is there only inside tests');
    return started;
  };
  const create = (body: unknown, headers?: Record<string, string>, by = here().user): Promise<Reply> =>
    by.call({ method: 'POST', url: '/v1/tasks', body, ...(headers === undefined ? {} : { headers }) });
  const taskOf = (reply: Reply): Task => taskSchema.parse(reply.body);
  const script = (prompt: string, more: object = {}): object => ({ prompt, input_mode: 'script', ...more });
  return {
    api: () => here().api,
    user: () => here().user,
    /** Body of a request for a script. */
    script,
    create,
    taskOf,
    /** Makes a task of a script. */
    createTask: async (more: object = {}, by = here().user): Promise<Task> =>
      taskOf(await create(script('echo x', more), undefined, by)),
    countTasks: async (owner = here().user): Promise<number> => {
      const { db } = here().api;
      const rows = await db.selectFrom('tasks').select('id').where('created_by', '=', owner.id).execute();
      return rows.length;
    },
  };
}
