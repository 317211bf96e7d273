import { spawnSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SuccessMark } from '../../../../node-agent/sandbox/success-mark.ts';

/** What a shell writes when it runs the command, and how it ends. */
function runBy(mark: SuccessMark, command: string) {
  const { stdout, stderr, status } = spawnSync('sh', ['-c', mark.around(command)], { encoding: 'utf8' });
  return { stdout, stderr, status };
}

function watching(mark: SuccessMark) {
  const seen = { stdout: '', stderr: '', given: false };
  const sinks = mark.watch({
    stdout: (chunk) => (seen.stdout += chunk.toString()),
    stderr: (chunk) => (seen.stderr += chunk.toString()),
  });
  void sinks.given.then(() => (seen.given = true));
  return { seen, sinks };
}

/** The mark itself, as a shell says it. */
function spoken(mark: SuccessMark): string {
  return runBy(mark, 'true').stdout.trim();
}

describe('the mark of a success', () => {
  it('is said on both streams by a shell whose command ended with 0, and only then', () => {
    const mark = new SuccessMark();
    const text = spoken(mark);
    expect(text).toMatch(/^[0-9a-f]{48}$/);
    expect(runBy(mark, 'true')).toEqual({ stdout: `${text}\n`, stderr: `${text}\n`, status: 0 });
    expect(runBy(mark, 'sh -c "exit 3"')).toEqual({ stdout: '', stderr: '', status: 3 });
  });

  it('is not in the lines that say it', () => {
    const mark = new SuccessMark();
    expect(mark.around('true')).not.toContain(spoken(mark));
  });

  it('leaves the exit code as it is, and adds no words about signals', () => {
    const killed = runBy(new SuccessMark(), "sh -c 'echo out; echo err >&2; kill -9 $$'");
    expect(killed).toEqual({ stdout: 'out\n', stderr: 'err\n', status: 137 });
  });

  it('hides nothing of what came before it, in whatever pieces it comes', async () => {
    const mark = new SuccessMark();
    const text = spoken(mark);
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.string(),
            fc.nat(47).map((length) => text.slice(0, length)),
          ),
        ),
        fc.array(fc.nat(60), { maxLength: 20 }),
        async (parts, cuts) => {
          const own = parts.join('');
          const { seen, sinks } = watching(mark);
          let rest = Buffer.from(`${own}${text}\nlater`);
          for (const cut of cuts) {
            sinks.stdout(rest.subarray(0, cut));
            rest = rest.subarray(cut);
          }
          sinks.stdout(rest);
          sinks.stderr(Buffer.from(`${text}\n`));
          await Promise.resolve();
          expect(seen).toEqual({ stdout: own, stderr: '', given: true });
        },
      ),
    );
  });

  it('counts only when both streams had it', async () => {
    const mark = new SuccessMark();
    const { seen, sinks } = watching(mark);
    sinks.stdout(Buffer.from(`${spoken(mark)}\n`));
    await Promise.resolve();
    expect(seen.given).toBe(false);
  });

  it('that never comes costs no byte', () => {
    const mark = new SuccessMark();
    const { seen, sinks } = watching(mark);
    const beginning = spoken(mark).slice(0, 9);
    sinks.stdout(Buffer.from(`out ${beginning}`));
    expect(seen.stdout).toBe('out ');
    sinks.flush();
    expect(seen.stdout).toBe(`out ${beginning}`);
  });
});
