import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { MODES, openSandbox, type Sandbox } from './sandbox-harness.ts';

jest.setTimeout(60_000);

describe.each(MODES)('in a $mode container', ({ warmPool }) => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await openSandbox({ warmPool });
  });
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  /** What a shell line prints inside a job. */
  async function inside(script: string): Promise<string> {
    return (await sandbox.run({ script })).stdout.trim();
  }

  describe('seen from inside, a job', () => {
    it('is an unprivileged user without any capability, and cannot gain one', async () => {
      const status = await inside('id -u; id -g; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status');
      expect(status).toMatch(/^1000\n1000\n/);
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
        expect(status).toMatch(new RegExp(`${set}:\\s+0000000000000000`));
      }
      expect(status).toMatch(/NoNewPrivs:\s+1/);
      expect(status).toMatch(/Seccomp:\s+2/);
    });

    it('has no network but loopback, and reaches nobody', async () => {
      const interfaces = await inside('ls /sys/class/net');
      expect(
        interfaces.split('\n').filter((name) => !/^(lo|tunl|sit|ip6|gre|erspan|ip_vti)/.test(name)),
      ).toEqual([]);
      expect(await inside('cat /proc/net/route | wc -l')).toBe('1');
      expect(await inside('nc -w 1 10.255.255.53 53 </dev/null && echo reached || echo not')).toMatch(/not$/);
    });

    it('writes to /workspace, /tmp and nowhere else', async () => {
      const attempt = (path: string): string => `touch ${path} 2>/dev/null && echo yes || echo no`;
      const paths = [
        '/workspace/a',
        '/tmp/a',
        '/a',
        '/etc/a',
        '/usr/a',
        '/bin/a',
        '/var/a',
        '/sys/a',
        '/proc/a',
      ];
      const answers = await inside(paths.map(attempt).join('\n'));
      expect(answers.split('\n')).toEqual(['yes', 'yes', ...paths.slice(2).map(() => 'no')]);
    });

    it('cannot run programs from /tmp, and /tmp is small', async () => {
      expect(await inside('cp /bin/true /tmp/x; /tmp/x && echo ran || echo refused')).toMatch(/refused$/);
      expect(await inside('dd if=/dev/zero of=/tmp/big bs=1M count=20 2>&1 | grep -c "No space left"')).toBe(
        '1',
      );
    });

    it('sees its limits in its control groups', async () => {
      const memory = await inside(
        'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max',
      );
      expect(Number(memory)).toBe(64 * 1024 * 1024);
      const pids = await inside(
        'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max',
      );
      expect(Number(pids)).toBe(64);
      const cpu = await inside(
        'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us 2>/dev/null || tr " " "\\n" < /sys/fs/cgroup/cpu.max',
      );
      const [quota, period] = cpu.split('\n').map(Number);
      expect((quota ?? 0) / (period ?? 1)).toBe(0.5);
      expect(await inside('ulimit -n')).toBe('256');
      expect(await inside('ulimit -c')).toBe('0');
    });

    it('has nothing in its environment but its own, and who it is', async () => {
      const { stdout } = await sandbox.run(
        { command: ['env'], env: { GREETING: 'hi', CYNODE_JOB_ID: 'forged' } },
        { jobId: 'job-env' },
      );
      const names = stdout
        .trim()
        .split('\n')
        .map((line) => line.split('=')[0]);
      expect(new Set(names)).toEqual(
        new Set([
          'PATH',
          'HOSTNAME',
          'HOME',
          'GREETING',
          'CYNODE_TASK_ID',
          'CYNODE_JOB_ID',
          'CYNODE_WORKSPACE_DIR',
        ]),
      );
      expect(stdout).toContain('GREETING=hi\n');
      expect(stdout).toContain('CYNODE_JOB_ID=job-env\n');
    });

    it('sees no Docker socket, no host files and no other process', async () => {
      expect(await inside('find / -name "docker*.sock" 2>/dev/null | wc -l')).toBe('0');
      const mounts = await inside('cut -d" " -f2 /proc/mounts | grep -vE "^/(proc|sys|dev)(/|$)"');
      expect(new Set(mounts.split('\n'))).toEqual(
        new Set([
          '/',
          '/tmp',
          '/workspace',
          '/etc/resolv.conf',
          '/etc/hostname',
          '/etc/hosts',
          '/sbin/docker-init',
        ]),
      );
      expect(await inside('ls -d /proc/[0-9]* | wc -l')).toMatch(/^[1-6]$/);
    });

    it('has an init that reaps what it leaves behind', async () => {
      const zombies =
        'for i in 1 2 3; do sh -c "sleep 0.1 &"; done; sleep 0.6; grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null | wc -l';
      expect(await inside(zombies)).toBe('0');
    });

    it('starts in its empty workspace, which is its own', async () => {
      expect(await inside('pwd; ls; stat -c %u:%g .')).toBe('/workspace\n1000:1000');
    });

    it('cannot mount, load modules, make devices or change the kernel', async () => {
      expect(await inside('mount -t tmpfs x /workspace 2>/dev/null && echo yes || echo no')).toBe('no');
      expect(await inside('mknod /workspace/d c 1 3 2>/dev/null && echo yes || echo no')).toBe('no');
      expect(await inside('echo 1 2>/dev/null > /proc/sys/kernel/panic && echo yes || echo no')).toMatch(
        /no$/,
      );
      expect(await inside('chown 0:0 /workspace 2>/dev/null && echo yes || echo no')).toBe('no');
    });
  });
});
