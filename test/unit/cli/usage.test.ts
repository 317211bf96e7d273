import { readFile } from 'node:fs/promises';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { describe, expect, it } from '@jest/globals';
import { createProgram } from '../../../cli/program.ts';
import { createRuntime } from '../../../cli/runtime.ts';
import { VERSION } from '../../../cli/version.ts';
import { runCli } from '../../support/fake-gateway/run-cli.ts';

const ENV = { CYNORK_CONFIG: '/nonexistent/config.yaml' };

function commandPaths(command: CommandUnknownOpts, path: readonly string[] = []): string[][] {
  return [[...path], ...command.commands.flatMap((child) => commandPaths(child, [...path, child.name()]))];
}

const program = createProgram(
  createRuntime(
    { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: {} },
    async () => 0,
  ),
  {},
);
const PATHS = commandPaths(program);

describe('usage of cynork', () => {
  it('has the version of its package', async () => {
    const text = await readFile(new URL('../../../cli/package.json', import.meta.url), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ version: VERSION });
  });

  it('prints its version as text and as JSON', async () => {
    expect(await runCli(['version'], { env: ENV })).toEqual({
      code: 0,
      stdout: `cynork ${VERSION}\n`,
      stderr: '',
    });
    const json = await runCli(['version', '--output', 'json'], { env: ENV });
    expect(JSON.parse(json.stdout)).toEqual({ version: VERSION });
  });

  it('has the commands of the issue', () => {
    expect(PATHS.map((path) => path.join(' '))).toEqual(
      expect.arrayContaining([
        ...['version', 'status', 'auth login', 'auth logout', 'auth whoami', 'auth refresh'],
        ...['create', 'list', 'get', 'result', 'cancel', 'logs', 'watch'].map((name) => `task ${name}`),
        ...['nodes list', 'nodes get'],
        ...['list', 'create', 'disable', 'enable', 'reset-password', 'revoke-sessions'].map(
          (n) => `user ${n}`,
        ),
      ]),
    );
  });

  it.each(PATHS)('shows options, global options and examples with %s %s --help', async (...path) => {
    const { code, stdout, stderr } = await runCli([...path, '--help'], { env: ENV });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const part of [
      'Usage: cynork',
      'Examples:\n  $ ',
      '--output <format>',
      '--config <file>',
      '--quiet',
    ]) {
      expect(stdout).toContain(part);
    }
  });

  it.each([[[]], [['task']], [['auth']]])('shows the help when no command is given: %j', async (argv) => {
    const { code, stdout } = await runCli(argv, { env: ENV });
    expect(code).toBe(0);
    expect(stdout).toContain('Usage: cynork');
  });

  it.each<[string[], string]>([
    [['tsk'], "unknown command 'tsk'. Did you mean task?"],
    [['task', 'creat'], "unknown command 'creat'. Did you mean create?"],
    [['task', 'list', '--stat'], 'Did you mean --status?'],
    [['--nope', 'version'], "unknown option '--nope'"],
    [['task', 'get'], "missing required argument 'task'"],
    [['task', 'get', 'a', 'b'], 'too many arguments'],
    [['version', '-o', 'xml'], 'Allowed choices are table, json'],
    [['-o', 'yaml', 'version'], 'Allowed choices are table, json'],
    [['version', '--output'], 'argument missing'],
    [['task', 'list', '--status', 'done'], 'Allowed choices are queued'],
    [['task', 'list', '--limit', 'many'], 'whole number'],
    [['task', 'result', 'x', '--wait-interval', '10ms'], 'from 1s to 1h'],
    [['task', 'watch', 'x', '-n', '0'], 'from 1s to 1h'],
    [['task', 'logs', 'x', '--stream', 'stdin'], 'Allowed choices are stdout'],
    [['task', 'create', '-t', 'x', '--project-id', 'p'], 'must be a UUID'],
    [['task', 'create', '-t', 'x', '--timeout', '0'], 'from 1 to 10800'],
    [['task', 'create', '-t', 'x', '--idempotency-key', 'a b'], 'visible ASCII'],
    [['task', 'create', '-t', ''], 'must not be empty'],
    [['task', 'create', '-t', 'x', '--name', 'a', '--task-name', 'b'], 'same option'],
    [['auth', 'login', '--password-stdin'], '--password-stdin needs --user'],
  ])('ends with exit code 2 and one line for %j', async (argv, message) => {
    const { code, stdout, stderr } = await runCli(argv, { env: ENV, stdin: 'x' });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^cynork: .*\n$/);
    expect(stderr).toContain(message);
  });

  it('takes global options before and after the command, the inner ones winning', async () => {
    const outer = await runCli(['-o', 'json', 'version'], { env: ENV });
    const inner = await runCli(['-o', 'json', 'version', '-o', 'table'], { env: ENV });
    expect([outer.stdout.startsWith('{'), inner.stdout.startsWith('{')]).toEqual([true, false]);
  });
});
