import { describe, expect, it } from '@jest/globals';
import { runCli } from '../../support/fake-gateway/run-cli.ts';
import { startFakeGateway, type ScriptedReply } from '../../support/fake-gateway/server.ts';
import { VERSION } from '../../../cli/version.ts';

async function status(reply: ScriptedReply, ...flags: string[]): Promise<{ code: number; stdout: string }> {
  await using gateway = await startFakeGateway();
  gateway.on('GET /healthz', reply);
  const env = { CYNORK_CONFIG: '/nonexistent/config.yaml', CYNORK_GATEWAY_URL: gateway.url };
  const { code, stdout } = await runCli(['status', ...flags], { env });
  expect(gateway.requests[0]?.headers).toMatchObject({ 'user-agent': `cynork/${VERSION}` });
  expect(gateway.requests[0]?.headers['authorization']).toBeUndefined();
  return { code, stdout };
}

describe('cynork status', () => {
  it('says ok as text and as JSON, without a login', async () => {
    expect(await status({ text: 'ok\n' })).toEqual({ code: 0, stdout: 'ok\n' });
    const json = await status({ text: 'ok' }, '-o', 'json');
    expect(JSON.parse(json.stdout)).toEqual({ gateway: 'ok' });
  });

  it('ends with exit code 7 when something else answers', async () => {
    expect(await status({ text: 'hello' })).toEqual({ code: 7, stdout: '' });
    expect(await status({ status: 500, text: 'ok' })).toEqual({ code: 7, stdout: '' });
  });
});
