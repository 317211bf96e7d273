import { describe, expect, it } from '@jest/globals';
import type { NodeDetail, NodeView } from '../../../contracts/nodes.ts';
import { makeLoggedInHome } from '../../support/fake-gateway/run-cli.ts';
import { problem, startFakeGateway } from '../../support/fake-gateway/server.ts';

const NODE: NodeView = {
  node_id: '22222222-2222-4222-8222-222222222222',
  node_slug: 'node-01',
  status: 'active',
  enabled: true,
  last_heartbeat: '2026-03-01T10:00:00Z',
  lease: 'held',
  transport: 'temporal',
  slots: { used: 1, total: 4 },
  load1: 0.5,
  ram_available_mb: 2048,
  capability_summary: '8 cores, 16 GB',
};
const DETAIL: NodeDetail = {
  ...NODE,
  incarnation: 3,
  config: {
    version: '01J',
    ack_status: 'rolled_back',
    ack_at: '2026-03-01T09:00:00Z',
    ack_error: 'bad image list',
  },
  live_attempts: [{ job_id: 'j-1', attempt: 2, state: 'running', since: '2026-03-01T09:59:00Z' }],
};
const LINE =
  `node_id=${NODE.node_id} node_slug=node-01 status=active enabled=true slots=1/4 lease=held transport=temporal ` +
  'last_heartbeat=2026-03-01T10:00:00Z load1=0.5 ram_available_mb=2048 capability="8 cores, 16 GB"\n';

describe('cynork nodes', () => {
  it('lists nodes, one line each', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/nodes', { json: { nodes: [NODE], next_cursor: 'c2' } });
    await using home = await makeLoggedInHome(gateway);
    const run = await home.run(['nodes', 'list', '--limit', '999', '--cursor', 'c1']);
    expect(run).toEqual({ code: 0, stdout: LINE, stderr: 'More with --cursor c2\n' });
    expect(gateway.requests[0]?.query).toEqual({ limit: '200', cursor: 'c1' });
  });

  it('lists nodes as JSON, without a cursor on the last page', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/nodes', { json: { nodes: [NODE], next_cursor: '' } });
    await using home = await makeLoggedInHome(gateway);
    const run = await home.run(['nodes', 'list', '-o', 'json']);
    expect(JSON.parse(run.stdout)).toEqual({ nodes: [NODE] });
    expect(run.stderr).toBe('');
  });

  it('shows a node with its configuration and what it runs', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/nodes/:id', ({ params }) =>
      params['id'] === 'node-01' ? { json: DETAIL } : problem('not_found', 'no such node'),
    );
    await using home = await makeLoggedInHome(gateway);
    expect((await home.run(['nodes', 'get', 'node-01'])).stdout).toBe(
      `${LINE}config_version=01J ack_status=rolled_back ack_at=2026-03-01T09:00:00Z ack_error="bad image list"\n` +
        'incarnation=3\njob_id=j-1 attempt=2 state=running since=2026-03-01T09:59:00Z\n',
    );
    expect(JSON.parse((await home.run(['nodes', 'get', 'node-01', '-o', 'json'])).stdout)).toEqual(DETAIL);
    expect(await home.run(['nodes', 'get', 'other/../one'])).toMatchObject({ code: 4, stdout: '' });
  });

  it('shows the models of a node and how far a download is', async () => {
    await using gateway = await startFakeGateway();
    const inference: NodeView['inference'] = {
      backend: 'ready',
      kind: 'process',
      models: [
        { name: 'smollm2:135m', loaded: true, size_bytes: 98_362_432 },
        { name: 'other:1b', loaded: false },
      ],
      pulls: [
        { model: 'qwen3.5:0.8b', percent: 41.7 },
        { model: 'gone:1b', error: 'no such model' },
      ],
      active: 1,
      queued: 0,
    };
    gateway.on('GET /v1/nodes/:id', { json: { ...DETAIL, inference } });
    await using home = await makeLoggedInHome(gateway);
    const { stdout } = await home.run(['nodes', 'get', 'node-01']);
    expect(stdout).toContain(' inference=smollm2:135m capability=');
    expect(stdout).toContain(
      'inference_backend=ready kind=process active=1 queued=0\n' +
        'model=smollm2:135m loaded=true size_mb=98\nmodel=other:1b loaded=false\n' +
        'getting_model=qwen3.5:0.8b percent=41\ngetting_model=gone:1b error="no such model"\n',
    );
  });

  it('says in the list why a node has no models', async () => {
    await using gateway = await startFakeGateway();
    const inference: NodeView['inference'] = { backend: 'none', models: [], pulls: [], active: 0, queued: 0 };
    gateway.on('GET /v1/nodes', { json: { nodes: [{ ...NODE, inference }], next_cursor: '' } });
    await using home = await makeLoggedInHome(gateway);
    expect((await home.run(['nodes', 'list'])).stdout).toContain(' inference=none ');
  });
});
