import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { JobModelUse } from '../../../contracts/jobs.ts';
import { SYSTEM_SETTINGS } from '../../../contracts/settings.ts';
import { readUsedTokens } from '../../../schema/inference/routing.ts';
import type { SeededTask } from '../../support/seed.ts';
import { useJobs } from './jobs.ts';

const jobs = useJobs();
const USE: JobModelUse[] = [
  { model: 'tiny:latest', calls: 3, prompt_tokens: 20, completion_tokens: 30 },
  { model: 'b\0ig:7b', calls: 1, prompt_tokens: 4, completion_tokens: 6 },
];

beforeEach(async () => {
  await jobs.db().deleteFrom('inference_calls').execute();
  await jobs.db().deleteFrom('system_settings').execute();
});

function set(key: string, tokens: number) {
  const setting = { key, value: JSON.stringify(tokens), value_type: 'number' as const };
  return jobs.db().insertInto('system_settings').values(setting).execute();
}

async function askForModels({ jobIds }: SeededTask): Promise<void> {
  const row = jobs.db().selectFrom('jobs').select('payload').where('id', '=', jobIds[0]);
  const { payload } = await row.executeTakeFirstOrThrow();
  const sandbox = { ...payload.sandbox, use_inference: true };
  const changed = { payload: JSON.stringify({ ...payload, sandbox }) };
  await jobs.db().updateTable('jobs').set(changed).where('id', '=', jobIds[0]).execute();
}

async function completed(): Promise<{ readonly task: SeededTask; readonly claimId: string }> {
  const task = await jobs.begun();
  const claimId = randomUUID();
  await jobs.claim(task, 1, claimId);
  await jobs.complete(task, 1, claimId, jobs.node(), { model_use: USE });
  return { task, claimId };
}

const used = (task: SeededTask) => readUsedTokens(jobs.db(), { userId: jobs.user().id, taskId: task.taskId });

describe('what a job used of models', () => {
  it('is in the ledger with its result, once, and counts for its user and its task', async () => {
    const { task, claimId } = await completed();
    await jobs.complete(task, 1, claimId, jobs.node(), { model_use: USE });
    const rows = await jobs.db().selectFrom('inference_calls').selectAll().orderBy('model', 'desc').execute();
    const common = { user_id: jobs.user().id, task_id: task.taskId, agent: 'job', outcome: 'answered' };
    expect(rows).toMatchObject([
      { ...common, model: 'tiny:latest', prompt_tokens: 20, completion_tokens: 30, tries: 3 },
      { ...common, model: 'big:7b', prompt_tokens: 4, completion_tokens: 6, node_slug: jobs.node().slug },
    ]);
    expect(await used(task)).toEqual({ user: 60, task: 60 });
  });

  it('is not there when its result is refused', async () => {
    const task = await jobs.begun();
    const claimId = randomUUID();
    await jobs.claim(task, 1, claimId);
    await jobs.advance(task, 1, 'node_lost');
    const late = jobs.complete(task, 1, claimId, jobs.node(), { model_use: USE });
    await expect(late).rejects.toMatchObject({ code: 'attempt_superseded' });
    expect(await used(task)).toEqual({ user: 0, task: 0 });
  });
});

describe('what a job may use of models', () => {
  const granted = async (): Promise<number | null> => {
    const task = await jobs.begun();
    await askForModels(task);
    return (await jobs.claim(task, 1)).modelTokens;
  };

  it('is the smaller rest of its budgets, and nothing when one is spent', async () => {
    expect(await granted()).toBeNull();
    await set(SYSTEM_SETTINGS.userTokensPerDay.key, 100);
    expect(await granted()).toBe(100);
  });

  it('is less by what the user has used today, and never below nothing', async () => {
    await completed();
    await set(SYSTEM_SETTINGS.userTokensPerDay.key, 100);
    expect(await granted()).toBe(40);
    await set(SYSTEM_SETTINGS.taskTokens.key, 30);
    expect(await granted()).toBe(30);
  });

  it('is nothing when it is spent', async () => {
    await completed();
    await set(SYSTEM_SETTINGS.userTokensPerDay.key, 59);
    expect(await granted()).toBe(0);
  });

  it('is not asked for jobs that have no way to a model', async () => {
    await set(SYSTEM_SETTINGS.taskTokens.key, 30);
    expect((await jobs.claim(await jobs.begun(), 1)).modelTokens).toBeNull();
  });
});
