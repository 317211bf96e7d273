import { lstat, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { readConfig, updateConfig } from '../../../cli/config/file.ts';
import { configPath } from '../../../cli/config/location.ts';
import { loadSettings } from '../../../cli/config/settings.ts';
import { makeCliHome, runCli } from '../../support/fake-gateway/run-cli.ts';

describe('config of cynork', () => {
  it('is found by flag, then CYNORK_CONFIG, then XDG, then the home folder', () => {
    const env = { CYNORK_CONFIG: '/e/c.yaml', XDG_CONFIG_HOME: '/x', HOME: '/h' };
    expect(configPath('/f/c.yaml', env)).toBe('/f/c.yaml');
    expect(configPath(undefined, env)).toBe('/e/c.yaml');
    expect(configPath(undefined, { ...env, CYNORK_CONFIG: '' })).toBe('/x/cynork/config.yaml');
    expect(configPath(undefined, { HOME: '/h' })).toBe('/h/.config/cynork/config.yaml');
  });

  it('points at localhost:12080 without a file', async () => {
    const settings = await loadSettings('/nonexistent/config.yaml', {});
    expect(settings).toMatchObject({
      gatewayUrl: 'http://localhost:12080',
      token: undefined,
      tokenFromEnv: false,
    });
  });

  it('is overridden by the environment, whose token is never renewed', async () => {
    await using home = await makeCliHome({ url: 'http://file:1', access: 'a', refresh: 'r' });
    expect(await loadSettings(home.configPath, {})).toMatchObject({
      gatewayUrl: 'http://file:1',
      token: 'a',
      refreshToken: 'r',
    });
    const env = { CYNORK_GATEWAY_URL: 'http://env:2/', CYNORK_TOKEN: 'e' };
    expect(await loadSettings(home.configPath, env)).toMatchObject({
      gatewayUrl: 'http://env:2',
      token: 'e',
      refreshToken: undefined,
      tokenFromEnv: true,
    });
  });

  it.each([
    ['a: [', 'not valid YAML'],
    ['- a\n- b\n', 'not a YAML mapping'],
    ['token: 5\n', 'token must be a text'],
    ['gateway_url: ftp://x\n', 'not an http or https URL'],
  ])('ends every command with exit code 2 when it holds %j', async (text, message) => {
    await using home = await makeCliHome();
    const config = await home.file('broken.yaml', text);
    for (const command of [['version'], ['status'], ['task', 'list']]) {
      const { code, stdout, stderr } = await runCli([...command, '--config', config]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(message);
      expect(stderr.trimEnd()).not.toContain('\n');
    }
  });

  it('is a usage error when it cannot be read', async () => {
    await using home = await makeCliHome();
    expect(await runCli(['version', '-c', home.folder])).toMatchObject({ code: 2, stdout: '' });
  });

  it('is taken as empty when it has only comments', async () => {
    await using home = await makeCliHome();
    await expect(readConfig(await home.file('c.yaml', '# nothing yet\n'))).resolves.toEqual({
      gateway_url: '',
      token: '',
      refresh_token: '',
    });
  });
});

describe('saving the config', () => {
  it('writes all three keys, the file 0600 in a folder 0700, and leaves nothing else', async () => {
    await using home = await makeCliHome();
    await updateConfig(home.configPath, ({ save }) => save({ token: 't' }));
    expect(parse(await home.readConfigText())).toEqual({
      gateway_url: 'http://localhost:12080',
      token: 't',
      refresh_token: '',
    });
    expect((await stat(home.configPath)).mode & 0o777).toBe(0o600);
    expect((await stat(join(home.configPath, '..'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(home.configPath, '..'))).toEqual(['config.yaml']);
  });

  it('keeps keys and comments that mean nothing to cynork', async () => {
    await using home = await makeCliHome();
    const path = await home.file(
      'c.yaml',
      '# mine\ngateway_url: http://a:1\ncredential_helper: pass\ntoken: old\n',
    );
    await updateConfig(path, ({ save }) => save({ token: 'new', refresh_token: 'r' }));
    expect(await readConfig(path)).toEqual({ gateway_url: 'http://a:1', token: 'new', refresh_token: 'r' });
    const { readFile } = await import('node:fs/promises');
    expect(await readFile(path, 'utf8')).toMatch(/^# mine\n[\s\S]*credential_helper: pass/);
  });

  it('writes through a symlink and keeps it', async () => {
    await using home = await makeCliHome();
    await mkdir(join(home.folder, 'dotfiles'));
    const target = join(home.folder, 'dotfiles', 'real.yaml');
    await writeFile(target, 'gateway_url: http://a:1\n');
    const link = join(home.folder, 'link.yaml');
    await symlink(target, link);
    await updateConfig(link, ({ save }) => save({ token: 't' }));
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect((await readConfig(target)).token).toBe('t');
  });

  it('loses no update of 40 at the same time', async () => {
    await using home = await makeCliHome();
    const append = (n: number): Promise<void> =>
      updateConfig(home.configPath, ({ stored, save }) => save({ token: `${stored.token} ${n}` }));
    await Promise.all(Array.from({ length: 40 }, (_, n) => append(n)));
    const { token } = await readConfig(home.configPath);
    expect(new Set(token.trim().split(' ')).size).toBe(40);
  });

  it('says which file cannot be saved, with exit code 2', async () => {
    await using home = await makeCliHome();
    const file = await home.file('plain', '');
    await expect(updateConfig(join(file, 'config.yaml'), ({ save }) => save({}))).rejects.toMatchObject({
      exitCode: 2,
    });
  });
});
