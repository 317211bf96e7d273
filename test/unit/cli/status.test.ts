import { describe, expect, it } from '@jest/globals';
import { runCli } from '../../support/fake-gateway/run-cli.ts';
import { startFakeGateway, type ScriptedReply } from '../../support/fake-gateway/server.ts';
import { VERSION } from '../../../cli/version.ts';

const NOT_READY: ScriptedReply = { status: 503, text: 'no inference path: no node is live\n' };

async function status(
  reply: ScriptedReply,
  ...flags: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  await using gateway = await startFakeGateway();
  gateway.on('GET /healthz', reply);
  gateway.on('GET /readyz', flags.includes('--quiet') ? { text: 'ready' } : NOT_READY);
  const env = { CYNORK_CONFIG: '/nonexistent/config.yaml', CYNORK_GATEWAY_URL: gateway.url };
  const { code, stdout, stderr } = await runCli(['status', ...flags], { env });
  expect(gateway.requests[0]?.headers).toMatchObject({ 'user-agent': `cynork/${VERSION}` });
  expect(gateway.requests[0]?.headers['authorization']).toBeUndefined();
  return { code, stdout, stderr };
}

describe('cynork status', () => {
  it('says ok as text and as JSON, without a login', async () => {
    expect(await status({ text: 'ok\n' }, '--quiet')).toEqual({ code: 0, stdout: 'ok\n', stderr: '' });
    const json = await status({ text: 'ok' }, '-o', 'json', '--quiet');
    expect(JSON.parse(json.stdout)).toEqual({ gateway: 'ok', ready: true });
  });

  it('says why no model is ready', async () => {
    expect(await status({ text: 'ok' })).toEqual({
      code: 0,
      stdout: 'ok\n',
      stderr: 'Not ready: no inference path: no node is live\n',
    });
    const json = await status({ text: 'ok' }, '-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({ gateway: 'ok', ready: false });
  });

  it('ends with exit code 7 when something else answers', async () => {
    expect(await status({ text: 'hello' })).toMatchObject({ code: 7, stdout: '' });
    expect(await status({ status: 500, text: 'ok' })).toMatchObject({ code: 7, stdout: '' });
  });
});
