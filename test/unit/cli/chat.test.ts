import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openHistory } from '../../../cli/interactive/history.ts';
import { makeLoggedInHome } from '../../support/fake-gateway/run-cli.ts';
import type { CliHome } from '../../support/fake-gateway/run-cli.ts';
import { startFakeGateway } from '../../support/fake-gateway/server.ts';
import type { FakeGateway, ScriptedReply } from '../../support/fake-gateway/server.ts';

const THREAD = '44444444-4444-4444-8444-444444444444';
const HEAD = { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'cynodeai.pm' };

function events(...parts: readonly string[]): ScriptedReply {
  const chunks = parts.map((content) => ({
    ...HEAD,
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  }));
  const end = { ...HEAD, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
  return {
    text: `${[...chunks, end].map((each) => `data: ${JSON.stringify(each)}\n\n`).join('')}data: [DONE]\n\n`,
  };
}

let gateway: FakeGateway;
let home: CliHome;
beforeEach(async () => {
  gateway = await startFakeGateway();
  home = await makeLoggedInHome(gateway);
  gateway.on('POST /v1/chat/warm', { json: { model: 'cynodeai.pm', state: 'warm' } });
  gateway.on('POST /v1/chat/completions', events('**Hello', '**, you.'));
});
afterEach(async () => {
  await home[Symbol.asyncDispose]();
  await gateway[Symbol.asyncDispose]();
});

const asked = (): unknown[] =>
  gateway.requests.filter(({ path }) => path === '/v1/chat/completions').map(({ body }) => body);

describe('chat -m', () => {
  it('asks once and prints the answer as it is where no terminal is', async () => {
    const run = await home.run(['chat', '-m', 'Hi']);
    expect(run).toEqual({ code: 0, stdout: '**Hello**, you.\n', stderr: '' });
    expect(asked()).toEqual([{ messages: [{ role: 'user', content: 'Hi' }], stream: true }]);
  });

  it('renders Markdown on a terminal, unless told not to', async () => {
    const shown = await home.run(['chat', '-m', 'Hi', '--no-color'], { tty: ['stdout'] });
    expect(shown.stdout.split('\u001b[J').at(-1)).toBe('Hello, you.\n\n');
    const plain = await home.run(['chat', '-m', 'Hi', '--plain'], { tty: ['stdout'] });
    expect(plain.stdout).toBe('**Hello**, you.\n');
  });

  it('keeps escape sequences of a model from the terminal', async () => {
    gateway.on('POST /v1/chat/completions', events('\u001b]0;owned\u0007fine'));
    const { stdout } = await home.run(['chat', '-m', 'Hi', '--plain'], { tty: ['stdout'] });
    expect(stdout).toBe(']0;ownedfine\n');
  });

  it('says why there is no answer, and ends with the exit code of the status', async () => {
    const error = {
      message: 'No model is ready.',
      type: 'cynodeai_error',
      param: null,
      code: 'model_unavailable',
    };
    gateway.on('POST /v1/chat/completions', { status: 503, json: { error } });
    expect(await home.run(['chat', '-m', 'Hi'])).toEqual({
      code: 7,
      stdout: '',
      stderr: 'cynork: No model is ready.\n',
    });
    gateway.on('POST /v1/chat/completions', { text: `data: ${JSON.stringify({ error })}\n\n` });
    expect(await home.run(['chat', '-m', 'Hi'])).toMatchObject({ code: 7 });
  });

  it('begins a new thread first when it is told to', async () => {
    gateway.on('POST /v1/chat/threads', { status: 201, json: { thread_id: THREAD } });
    await home.run(['chat', '--thread-new', '-m', 'Hi', '--project-id', THREAD]);
    expect(gateway.requests.map(({ path }) => path)).toEqual(['/v1/chat/threads', '/v1/chat/completions']);
    expect(gateway.requests[1]?.headers['openai-project']).toBe(THREAD);
  });
});

describe('a conversation', () => {
  it('asks each line alone, runs slash commands, and ends with /exit', async () => {
    gateway.on('GET /v1/models', {
      json: { object: 'list', data: [{ id: 'a', object: 'model', created: 0 }] },
    });
    const stdin = 'one\n/model a\ntwo\n/models\n/version\n/exit\nthree\n';
    const run = await home.run(['chat'], { stdin });
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/you\.\nmodel=a\n\*\*Hello\*\*, you\.\na\ncynork \d/);
    expect(asked()).toMatchObject([{ messages: [{ content: 'one' }] }, { model: 'a' }]);
  });

  it('goes on after an error, and says what is not there yet', async () => {
    const run = await home.run(['chat'], { stdin: '/nothing\n/skills\n/prefs list\n/project x\nlast\n' });
    expect(run.code).toBe(0);
    expect(run.stderr).toContain('there is no /nothing. /help lists the commands.');
    expect(run.stderr).toContain('this gateway has no skills yet');
    expect(run.stderr).toContain('this gateway has no preferences yet');
    expect(run.stderr).toContain('a project is named by its UUID');
    expect(run.stdout).toBe('**Hello**, you.\n');
  });

  it('runs lines of the shell', async () => {
    const run = await home.run(['chat'], {
      stdin: '!echo from the shell\n!exit 3\n',
      env: { PATH: process.env['PATH'] ?? '', SHELL: '/bin/sh' },
    });
    expect(run.stdout).toBe('from the shell\n');
    expect(run.stderr).toContain('it ended with 3');
  });

  it('has every slash command of the contract', async () => {
    const { stdout } = await home.run(['chat'], { stdin: '/help\n' });
    const names = [...stdout.matchAll(/^(\/\w+)/gm)].map(([, name]) => name);
    expect(names).toEqual(
      '/auth /clear /exit /help /model /models /nodes /prefs /project /quit /skills /status /task /thread /version /whoami'.split(
        ' ',
      ),
    );
  });
});

describe('shell', () => {
  it('runs one line after the other and ends with the last exit code', async () => {
    const run = await home.run(['shell'], { stdin: 'version\nnothing\n' });
    expect(run.stdout).toMatch(/^cynork \d/);
    expect(run).toMatchObject({ code: 2 });
    expect(await home.run(['shell', '-c', "chat -m 'a b'"])).toMatchObject({ code: 0 });
    expect(asked()).toMatchObject([{ messages: [{ content: 'a b' }] }]);
  });
});

describe('the history', () => {
  it('is kept for the next session, readable by its owner alone, without secrets', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cynork-history-'));
    try {
      const history = await openHistory(join(folder, 'config.yaml'), 'chat_history');
      for (const line of ['one', 'password: hunter2', ' hidden', `sk-${'a'.repeat(24)}`, 'two'])
        await history.add(line);
      const file = join(folder, 'chat_history');
      expect(await readFile(file, 'utf8')).toBe('one\ntwo\n');
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect((await openHistory(join(folder, 'config.yaml'), 'chat_history')).lines).toEqual(['two', 'one']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
