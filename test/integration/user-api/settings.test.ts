import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemSettingListSchema } from '../../../contracts/settings.ts';
import { readInferenceSettings } from '../../../schema/inference/settings.ts';
import { startUserApiHarness } from '../../support/user-api/harness.ts';
import type { TestUser, UserApiHarness } from '../../support/user-api/harness.ts';

const URL = '/v1/system/settings';
const MODEL = 'agents.project_manager.model.local_default_ollama_model';
const BUDGET = 'inference.budget.user_tokens_per_day';

let api: UserApiHarness;
let admin: TestUser;
beforeAll(async () => {
  api = await startUserApiHarness();
  admin = await api.admin();
});
afterAll(() => api[Symbol.asyncDispose]());

const put = (key: string, value: unknown) =>
  admin.call({ method: 'PUT', url: `${URL}/${key}`, body: { value } });

async function values() {
  const { settings } = systemSettingListSchema.parse((await admin.call({ url: URL })).body);
  return Object.fromEntries(
    settings.flatMap(({ key, value }) => (value === undefined ? [] : [[key, value]])),
  );
}

describe('system settings', () => {
  it('are set, read, changed and removed, and who did is kept', async () => {
    expect(await values()).toEqual({});
    expect((await put(MODEL, 'mine:7b')).status).toBe(200);
    expect((await put(BUDGET, 1_000)).status).toBe(200);
    expect((await put(BUDGET, 2_000)).status).toBe(200);
    expect(await values()).toEqual({ [MODEL]: 'mine:7b', [BUDGET]: 2_000 });
    expect(await readInferenceSettings(api.db)).toEqual({ localModel: 'mine:7b', userTokensPerDay: 2_000 });
    expect((await admin.call({ method: 'DELETE', url: `${URL}/${MODEL}` })).status).toBe(200);
    expect(await values()).toEqual({ [BUDGET]: 2_000 });
  });

  it.each([
    [BUDGET, -1],
    [BUDGET, '5'],
    [MODEL, ''],
    ['agents.project_manager.model.selection.mode', 'sometimes'],
  ])('%s may not be %j, and the refusal says what it may be', async (key, value) => {
    const reply = await put(key, value);
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({
      detail: expect.stringMatching(/^value does not fit this setting\. \w+/),
    });
  });

  it('are no more than those that are read, and for administrators only', async () => {
    expect((await put('no.such.setting', 1)).status).toBe(404);
    const user = await api.createUser();
    expect((await user.call({ url: URL })).status).toBe(403);
    expect((await user.call({ method: 'PUT', url: `${URL}/${BUDGET}`, body: { value: 1 } })).status).toBe(
      403,
    );
  });
});
