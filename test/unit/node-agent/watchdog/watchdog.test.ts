import { describe, expect, it } from '@jest/globals';
import type { Lease } from '../../../../node-agent/watchdog/lease-files.ts';
import { isOverdue, MARGIN_MS, Watchdog } from '../../../../node-agent/watchdog/watchdog.ts';
import { createLogger } from '../../../../platform/logger.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const RUN = 'this run';
const BOOT = 'this boot';

function lease(name: string, deadlineMs: number, change: Partial<Lease> = {}): Lease {
  const ids = { task_id: `task-${name}`, job_id: `job-${name}`, attempt: 1 };
  return {
    ...ids,
    run: RUN,
    boot: BOOT,
    container: `c-${name}`,
    path: `/leases/${name}`,
    deadlineMs,
    ...change,
  };
}

/** A host with leases and containers; `fails` makes the engine fail. */
class Host {
  readonly clock = new FakeClock();
  leases: Lease[] = [];
  containers = new Set<string>();
  calls: string[] = [];
  fails = false;
  unreadable: Error | null = null;
  busy = 0;
  readonly watchdog = new Watchdog({
    readLeases: async () => ({ leases: this.leases, failure: this.unreadable }),
    removeContainer: async (name) => this.remove(name),
    removeFile: async (path) => {
      this.leases = this.leases.filter((other) => other.path !== path);
    },
    nowMs: () => this.clock.nowMs,
    boot: BOOT,
    run: RUN,
    logger: createLogger({ role: 'test', level: 'silent' }),
  });

  constructor(...leases: Lease[]) {
    this.leases = leases;
    this.containers = new Set(leases.map(({ container }) => container));
  }

  async lookAt(nowMs: number): Promise<boolean> {
    await this.clock.advance(nowMs - this.clock.nowMs);
    const goesOn = await this.watchdog.look();
    await this.clock.advance(0);
    return goesOn;
  }

  remove(name: string): 'gone' | 'busy' {
    this.calls.push(name);
    if (this.fails) throw new Error('no engine');
    if (this.busy-- > 0) return 'busy';
    this.containers.delete(name);
    return 'gone';
  }
}

describe('the watchdog', () => {
  it('leaves a lease alone that is renewed, and containers that have none', async () => {
    const host = new Host(lease('a', 9_000));
    host.containers.add('idle container of the pool');
    for (let nowMs = 0; nowMs < 60_000; nowMs += 500) {
      if (nowMs % 3_000 === 0) host.leases = [lease('a', nowMs + 9_000)];
      expect(await host.lookAt(nowMs)).toBe(true);
    }
    expect(host.calls).toEqual([]);
  });

  it('ends the container of the one that is not, after the agent’s own fence and well within 12 s', async () => {
    const host = new Host(lease('late', 9_000), lease('other', 60_000));
    await host.lookAt(9_000 + MARGIN_MS - 1);
    expect(host.calls).toEqual([]);
    await host.lookAt(9_000 + MARGIN_MS);
    expect([...host.containers]).toEqual(['c-other']);
    expect(9_000 + MARGIN_MS).toBeLessThan(11_000);
  });

  it('leaves the file to its agent, and makes sure again and again that no container comes back', async () => {
    const host = new Host(lease('late', 9_000));
    for (let nowMs = 9_500; nowMs <= 30_000; nowMs += 500) {
      if (nowMs === 20_000) host.containers.add('c-late');
      await host.lookAt(nowMs);
    }
    expect(host.leases).toHaveLength(1);
    expect(host.containers.size).toBe(0);
    expect(host.calls.length).toBeGreaterThan(8);
    expect(host.calls.length).toBeLessThan(14);
    host.leases = [];
    expect(await host.lookAt(31_000)).toBe(true);
  });

  it('tries until the container is gone', async () => {
    const host = new Host(lease('late', 0));
    host.fails = true;
    for (const nowMs of [1_000, 1_500, 2_000]) await host.lookAt(nowMs);
    expect(host.calls).toHaveLength(3);
    host.fails = false;
    host.busy = 2;
    for (const nowMs of [2_500, 3_000]) await host.lookAt(nowMs);
    expect(host.containers.size).toBe(1);
    await host.lookAt(3_500);
    expect(host.containers.size).toBe(0);
  });

  it('whose agent is gone ends when the last lease has run out and its container is gone', async () => {
    const host = new Host(lease('a', 5_000), lease('b', 8_000));
    host.watchdog.agentIsGone();
    expect(await host.lookAt(1_000)).toBe(true);
    expect(await host.lookAt(6_000)).toBe(true);
    expect([...host.containers]).toEqual(['c-b']);
    host.fails = true;
    expect(await host.lookAt(9_000)).toBe(true);
    host.fails = false;
    expect(await host.lookAt(9_500)).toBe(true);
    expect(host.leases).toEqual([]);
    expect(await host.lookAt(10_000)).toBe(false);
  });

  it('ends at once with an agent that leaves nothing', async () => {
    const host = new Host();
    expect(await host.lookAt(0)).toBe(true);
    host.watchdog.agentIsGone();
    expect(await host.lookAt(500)).toBe(false);
  });

  it('ends what an earlier run of the agent, or an earlier boot, has left', async () => {
    const host = new Host(
      lease('killed run', 5_000, { run: 'earlier' }),
      lease('earlier boot', 99_999_999, { run: 'earlier', boot: 'another' }),
    );
    await host.lookAt(1_000);
    expect([...host.containers]).toEqual(['c-killed run']);
    await host.lookAt(6_000);
    expect(host.containers.size).toBe(0);
    expect(host.leases).toEqual([]);
  });

  it('whose agent is gone stays when it could not read all leases', async () => {
    const host = new Host(lease('late', 500));
    host.watchdog.agentIsGone();
    host.unreadable = new Error('too many open files');
    expect(await host.lookAt(1_000)).toBe(true);
    expect(host.containers.size).toBe(0);
    expect(await host.lookAt(1_500)).toBe(true);
    host.unreadable = null;
    expect(await host.lookAt(2_000)).toBe(false);
  });

  it('whose agent is gone waits for what an earlier run has left, though it has no owner', async () => {
    const host = new Host(lease('killed run', 5_000, { run: 'earlier' }));
    host.watchdog.agentIsGone();
    for (let nowMs = 500; nowMs < 5_500; nowMs += 500) expect(await host.lookAt(nowMs)).toBe(true);
    expect(await host.lookAt(5_500)).toBe(true);
    expect(host.containers.size).toBe(0);
    expect(await host.lookAt(6_000)).toBe(false);
  });

  it('does not wait for a run that renews a lease, and so has its own watchdog', async () => {
    const both = (deadlineMs: number): Lease[] => [
      lease('renewed', deadlineMs, { run: 'next' }),
      lease('of the same run', 60_000, { run: 'next' }),
    ];
    const host = new Host(...both(9_000));
    host.watchdog.agentIsGone();
    expect(await host.lookAt(1_000)).toBe(true);
    host.leases = both(10_000);
    expect(await host.lookAt(1_500)).toBe(false);
  });

  it('does not wait for a run whose leases came after its agent had gone', async () => {
    const host = new Host();
    await host.lookAt(500);
    host.watchdog.agentIsGone();
    host.leases = [lease('of the next run', 60_000, { run: 'next' })];
    expect(await host.lookAt(1_000)).toBe(false);
    host.leases = [lease('another', 60_000, { run: 'next' })];
    expect(await host.lookAt(1_500)).toBe(false);
  });
});

describe('a lease', () => {
  it('is over some time after its deadline, or with its boot', () => {
    expect(isOverdue({ boot: BOOT, deadlineMs: 9_000 }, BOOT, 9_000 + MARGIN_MS - 1)).toBe(false);
    expect(isOverdue({ boot: BOOT, deadlineMs: 9_000 }, BOOT, 9_000 + MARGIN_MS)).toBe(true);
    expect(isOverdue({ boot: 'another', deadlineMs: 9_000 }, BOOT, 0)).toBe(true);
  });
});
