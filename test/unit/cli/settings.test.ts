import { describe, expect, it } from '@jest/globals';
import { makeLoggedInHome } from '../../support/fake-gateway/run-cli.ts';
import { problem, startFakeGateway } from '../../support/fake-gateway/server.ts';

const TOKENS = 'inference.budget.task_tokens';
const MODE = 'agents.project_manager.model.selection.mode';
const AT = '2026-03-01T10:00:00Z';
const UNSET = { settings: [{ key: TOKENS, help: 'Tokens of a task.' }] };
const SET = { settings: [{ key: TOKENS, help: 'Tokens of a task.', value: 100, updated_at: AT }] };
const UNSET_LINE = `setting=${TOKENS} set=false help="Tokens of a task."\n`;
const SET_LINE = `setting=${TOKENS} set=true value=100 updated_at=${AT} help="Tokens of a task."\n`;

describe('cynork settings', () => {
  it('lists what can be set, as text and as JSON', async () => {
    await using gateway = await startFakeGateway();
    const settings = [...SET.settings, { key: MODE, help: 'How.', value: 'fixed_model', updated_at: AT }];
    gateway.on('GET /v1/system/settings', { json: { settings } });
    await using home = await makeLoggedInHome(gateway);
    expect((await home.run(['settings', 'list'])).stdout).toBe(
      `${SET_LINE}setting=${MODE} set=true value=fixed_model updated_at=${AT} help=How.\n`,
    );
    const json = await home.run(['settings', 'list', '-o', 'json']);
    expect(JSON.parse(json.stdout)).toEqual({ settings });
  });

  it('shows one, and says how to find those there are', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/system/settings', { json: UNSET });
    await using home = await makeLoggedInHome(gateway);
    expect((await home.run(['settings', 'get', TOKENS])).stdout).toBe(UNSET_LINE);
    const json = await home.run(['settings', 'get', TOKENS, '-o', 'json']);
    expect(JSON.parse(json.stdout)).toEqual(UNSET.settings[0]);
    expect(await home.run(['settings', 'get', 'nonsense'])).toEqual({
      code: 4,
      stdout: '',
      stderr: 'cynork: there is no system setting nonsense. Run `cynork settings list`.\n',
    });
  });

  it.each([
    ['100', 100],
    ['true', true],
    ['fixed_model', 'fixed_model'],
    ['smollm2:135m', 'smollm2:135m'],
    ['"5"', '5'],
  ])('sets %s', async (text, value) => {
    await using gateway = await startFakeGateway();
    gateway.on('PUT /v1/system/settings/:key', { json: SET });
    await using home = await makeLoggedInHome(gateway);
    expect(await home.run(['settings', 'set', TOKENS, text])).toEqual({
      code: 0,
      stdout: SET_LINE,
      stderr: '',
    });
    expect(gateway.requests[0]).toMatchObject({ params: { key: TOKENS }, body: { value } });
  });

  it('unsets one', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('DELETE /v1/system/settings/:key', { json: UNSET });
    await using home = await makeLoggedInHome(gateway);
    const run = await home.run(['settings', 'unset', TOKENS, '-o', 'json']);
    expect(JSON.parse(run.stdout)).toEqual(UNSET.settings[0]);
    expect(gateway.requests[0]?.params).toEqual({ key: TOKENS });
  });

  it('shows what the gateway has against a value, a key, and a user', async () => {
    await using gateway = await startFakeGateway();
    await using home = await makeLoggedInHome(gateway);
    const refused = async (...args: Parameters<typeof problem>) => {
      gateway.on('PUT /v1/system/settings/:key', problem(...args));
      const { code, stdout, stderr } = await home.run(['settings', 'set', TOKENS, 'many']);
      return [code, stdout, stderr];
    };
    expect(await refused('validation', 'value does not fit this setting. Tokens of a task.')).toEqual([
      6,
      '',
      'cynork: value does not fit this setting. Tokens of a task.\n',
    ]);
    const unknown = 'There is no system setting x; GET /v1/system/settings lists them';
    expect(await refused('not_found', unknown)).toEqual([4, '', `cynork: ${unknown}.\n`]);
    expect((await refused('authorization', 'Administrators only'))[0]).toBe(3);
  });

  it('takes a setting that is missing for wrong usage', async () => {
    await using gateway = await startFakeGateway();
    await using home = await makeLoggedInHome(gateway);
    for (const argv of [['get'], ['set', TOKENS], ['unset'], ['set', TOKENS, '']])
      expect((await home.run(['settings', ...argv])).code).toBe(2);
    expect(gateway.requests).toEqual([]);
  });
});
