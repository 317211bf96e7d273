import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { makeLoggedInHome, runCli } from '../../support/fake-gateway/run-cli.ts';
import { startFakeGateway } from '../../support/fake-gateway/server.ts';

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout } = await runCli(['completion', shell], {
    env: { CYNORK_CONFIG: '/nonexistent/c.yaml' },
  });
  expect(code).toBe(0);
  return stdout;
}

/** What bash offers for a command line whose last word is still being typed. */
async function offered(...words: readonly string[]): Promise<readonly string[]> {
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const program = `${await scriptFor('bash')}
cynork() { [[ $* == 'completion-names tasks' ]] && printf 'nightly\\nweekly\\n'; [[ $* == 'completion-names settings' ]] && printf 'inference.budget\\n'; }
COMP_WORDS=(cynork ${quoted}); COMP_CWORD=${words.length}
_cynork
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['--noprofile', '--norc', '-c', program], { encoding: 'utf8' });
  return output.split('\n').filter((line) => line !== '');
}

describe('bash', () => {
  it('completes commands and subcommands', async () => {
    expect(await offered('ta')).toEqual(['task']);
    expect(await offered('task', 'c')).toEqual(['create', 'cancel']);
    expect(await offered('')).toEqual(expect.arrayContaining(['auth', 'doctor', 'nodes', 'task', 'version']));
    expect(await offered('')).not.toContain('completion-names');
  });

  it('completes the options of a command, the global ones included', async () => {
    expect(await offered('task', 'create', '--scr')).toEqual(['--script']);
    expect(await offered('task', 'list', '--out')).toEqual(['--output']);
    expect(await offered('task', 'list', '--script')).toEqual([]);
  });

  it('completes what an option or an argument may be', async () => {
    expect(await offered('task', 'list', '--output', '')).toEqual(['table', 'json']);
    expect(await offered('-o', 'j')).toEqual(['json']);
    expect(await offered('task', 'list', '--status', 'comp')).toEqual(['completed']);
    expect(await offered('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  it('leaves files to the shell', async () => {
    expect(await offered('task', 'create', '--script', '')).toEqual([]);
  });

  it('knows where it is also behind options', async () => {
    expect(await offered('--quiet', 'task', '-o', 'json', 'wa')).toEqual(['watch']);
  });

  it('completes the names of tasks', async () => {
    expect(await offered('task', 'get', 'n')).toEqual(['nightly']);
    expect(await offered('task', 'watch', '')).toEqual(['nightly', 'weekly']);
  });

  it('completes the keys of settings', async () => {
    expect(await offered('settings', '')).toEqual(['list', 'get', 'set', 'unset']);
    expect(await offered('settings', 'set', 'inf')).toEqual(['inference.budget']);
  });
});

describe('the names that are completed', () => {
  it('are those of the newest tasks, and of the nodes', async () => {
    await using gateway = await startFakeGateway();
    const task = {
      id: 'a',
      task_id: 'a',
      status: 'completed',
      task_name: 'nightly',
      created_at: '',
      updated_at: '',
    };
    gateway.on('GET /v1/tasks', { json: { tasks: [task] } });
    gateway.on('GET /v1/nodes', { json: { nodes: [] } });
    gateway.on('GET /v1/system/settings', { json: { settings: [{ key: 'a.b', help: 'What.' }] } });
    await using home = await makeLoggedInHome(gateway);
    expect(await home.run(['completion-names', 'tasks'])).toMatchObject({ code: 0, stdout: 'nightly\n' });
    expect(await home.run(['completion-names', 'nodes'])).toMatchObject({ code: 0, stdout: '' });
    expect(await home.run(['completion-names', 'settings'])).toMatchObject({ code: 0, stdout: 'a.b\n' });
  });
});

describe('zsh and fish', () => {
  it('get every command with its description, and the choices of options', async () => {
    const zsh = await scriptFor('zsh');
    expect(zsh).toMatch(/^#compdef cynork\n/);
    expect(zsh).toContain("'create:create a task");
    expect(zsh).toMatch(/'\/task\/list --output'\|'\/task\/list -o'\) compadd table json; return ;;/);
    const fish = await scriptFor('fish');
    expect(fish).toMatch(/-n "__cynork_at '\/task'" -f -a create -d '/);
    expect(fish).toMatch(/-l output -s o -x -a 'table json' -d '/);
  });

  it('is a usage error for other shells', async () => {
    const { code, stderr } = await runCli(['completion', 'tcsh'], { env: {} });
    expect(code).toBe(2);
    expect(stderr).toMatch(/Allowed choices are bash, zsh, fish/);
  });
});
