import { describe, expect, it } from '@jest/globals';
import type { HealthCheck } from '../../contracts/system.ts';
import { useStack } from '../support/stack/use-stack.ts';
import { eventually } from '../support/wait.ts';

const own = useStack();

async function examine(): Promise<{ readonly code: number | null; readonly checks: readonly HealthCheck[] }> {
  const { code, stdout } = await own.admin.run(['doctor', '-o', 'json']);
  // The shape that the test then checks.
  const { checks } = JSON.parse(stdout) as { checks: HealthCheck[] };
  return { code, checks };
}

async function verdict(name: string): Promise<string | undefined> {
  return (await examine()).checks.find((check) => check.name === name)?.status;
}

describe('cynork doctor', () => {
  it('finds nothing wrong with a system that is well', async () => {
    const { code, checks } = await eventually('all is well', async () => {
      const found = await examine();
      return found.code === 0 && found;
    });
    expect(code).toBe(0);
    const name = `node ${own.node.slug}`;
    for (const part of ['gateway', 'login', 'version', 'database', 'temporal', 'orchestrator-worker', name]) {
      expect(checks).toContainEqual(expect.objectContaining({ name: part, status: 'ok' }));
    }
    for (const part of ['docker', 'image', 'clock']) {
      expect(checks).toContainEqual(expect.objectContaining({ name: `${name}: ${part}`, status: 'ok' }));
    }
    expect(checks.filter(({ status }) => status === 'fail')).toEqual([]);
  });

  it('notices a node that is gone, and says what to do', async () => {
    await own.node.process.kill('SIGKILL');
    const found = await eventually('the node is missed', async () => {
      const { code, checks } = await examine();
      return code === 1 && checks.find(({ status }) => status === 'fail');
    });
    expect(found.name).toBe(`node ${own.node.slug}`);
    expect(found.detail).toMatch(/^last heard of \d+ s ago$/);
    expect(found.advice).toMatch(/cynodeai serve node-agent/);
    own.node.process.start();
    await eventually('it is well again', async () => (await verdict(`node ${own.node.slug}`)) === 'ok');
  }, 90_000);

  it('says what to do when the gateway is down', async () => {
    await own.stack.processOf('user-api').kill('SIGTERM');
    const { code, stdout } = await own.admin.run(['doctor']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^fail {2}gateway {2}cannot reach the gateway at \S+\n +→ .+\.\/dev up/);
  }, 60_000);
});
