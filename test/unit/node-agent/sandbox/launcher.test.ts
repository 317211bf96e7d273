import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  canLaunch,
  containerEnv,
  launchLine,
  markedArgv,
  probeLine,
} from '../../../../node-agent/sandbox/launcher.ts';
import { SuccessMark } from '../../../../node-agent/sandbox/success-mark.ts';

/** What a shell that reads these lines from its stdin writes. */
function shell(lines: string): string {
  return execFileSync('sh', [], { input: lines, encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] });
}

describe('a launcher', () => {
  it('answers when it has what a launch needs', () => {
    expect(shell(probeLine('token'))).toBe('token\n');
  });

  it('gives a program exactly its arguments and variables, whatever is in them', () => {
    const word = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), word, (args, value) => {
        const argv = ['printf', '%s|', ...args, 'end'];
        const line = launchLine(argv, ['PATH=/usr/bin:/bin', `ODD=${value}`], 'token', new SuccessMark());
        const [said, ...rest] = shell(line).split('\n');
        expect(said).toBe('token');
        expect(rest.join('\n')).toContain([...args, 'end', ''].join('|'));
      }),
      { numRuns: 30 },
    );
  });

  it('leaves what it could not start, or would start wrongly, to a container of its own', () => {
    expect(canLaunch(['echo'], { A: '1' })).toBe(true);
    expect(canLaunch([], {})).toBe(false);
    expect(canLaunch([''], {})).toBe(false);
    expect(canLaunch(['a=b'], {})).toBe(false);
    expect(canLaunch(['echo'], { PATH: '/bin' })).toBe(false);
    expect(canLaunch(['echo', 'x'.repeat(100_001)], {})).toBe(false);
    expect(canLaunch(['echo', ...Array.from({ length: 6 }, () => 'x'.repeat(90_000))], {})).toBe(false);
  });
});

describe('a program that is started with its container', () => {
  it('is watched by a shell where it needs one anyway', () => {
    expect(markedArgv(['sh', '/script'], {}, new SuccessMark())?.slice(-3)).toEqual(['sh', 'sh', '/script']);
    expect(markedArgv(['echo'], {}, new SuccessMark())).toBeUndefined();
  });

  it('is started by itself when its own variables would show the shell', () => {
    expect(markedArgv(['sh', '/script'], { SHLVL: '3' }, new SuccessMark())).toBeUndefined();
  });
});

describe('the variables of a container', () => {
  it('are those of the engine, of the image and of the plan, each overriding the ones before', () => {
    expect(containerEnv('box', ['PATH=/image', 'A=1', 'malformed', 'B=x=y'], { A: '2', '': 'z' })).toEqual([
      'PATH=/image',
      'HOSTNAME=box',
      'A=2',
      'B=x=y',
      '=z',
    ]);
    expect(containerEnv('box', [], {})[0]).toMatch(/^PATH=\/usr\/local\/sbin:/);
  });
});
