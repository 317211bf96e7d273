import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { bundleWorkflowCode } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { replay } from '../support/replay.ts';

const FOLDER = fileURLToPath(new URL('./histories', import.meta.url));
const RECORDED = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.json'),
);

function load(name: string): unknown {
  return JSON.parse(readFileSync(`${FOLDER}/${name}`, 'utf8'));
}

describe('the workflows of today', () => {
  it('have histories of every released version to replay', () => {
    expect(RECORDED.length).toBeGreaterThanOrEqual(7);
  });

  it.each(RECORDED)('replay %s', async (name) => {
    await expect(replay(load(name), 'recorded')).resolves.toBeUndefined();
  });
});

describe('a workflow that was changed without a patch', () => {
  let broken: WorkflowBundleWithSourceMap;
  beforeAll(async () => {
    const workflowsPath = fileURLToPath(new URL('./broken/index.ts', import.meta.url));
    broken = await bundleWorkflowCode({ workflowsPath });
  }, 60_000);

  it('fails the replay', async () => {
    await expect(
      replay(load('0.1/completed.json'), 'recorded', { workflowBundle: broken }),
    ).rejects.toThrow();
  });
});
