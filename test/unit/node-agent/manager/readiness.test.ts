import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readinessOf, type ReadinessDeps } from '../../../../node-agent/manager/readiness.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cynodeai-readiness-'));
});
afterEach(async () => rm(folder, { recursive: true }));

function deps(changes: Partial<ReadinessDeps> = {}): ReadinessDeps {
  const orchestrator = { base_url: '', endpoints: { worker_api_target_url: '', node_report_url: '' } };
  return {
    closing: new AbortController(),
    inEffect: {
      current: {
        version: 1,
        config_version: '1',
        issued_at: '',
        node_slug: 'node-01',
        orchestrator,
        policy: undefined,
        constraints: undefined,
        worker_api: { orchestrator_bearer_token: '' },
      },
    },
    health: { isUp: async () => true },
    state: { pathOf: () => folder },
    mountRoot: folder,
    watchdog: { alive: true },
    ...changes,
  };
}

describe('a node', () => {
  it('can take work when its engine answers and its folders have room, and leaves nothing in them', async () => {
    expect(await readinessOf(deps())).toBeNull();
    expect(await readdir(folder)).toEqual([]);
  });

  it('cannot when there is no room for workspaces or results', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    expect(await readinessOf(deps({ mountRoot: file }))).toMatch(/workspaces/);
    expect(await readinessOf(deps({ state: { pathOf: () => file } }))).toMatch(/state folder/);
  });

  it('cannot without an engine, a watchdog, a configuration, or when it ends', async () => {
    expect(await readinessOf(deps({ watchdog: { alive: false } }))).toMatch(/watchdog/);
    expect(await readinessOf(deps({ health: { isUp: async () => false } }))).toMatch(/engine/);
    expect(await readinessOf(deps({ inEffect: { current: undefined } }))).toMatch(/configuration/);
    const closing = new AbortController();
    closing.abort();
    expect(await readinessOf(deps({ closing }))).toMatch(/shutting down/);
  });
});
