import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';

const platform = (file: string): string => new URL(`../../../platform/${file}`, import.meta.url).href;

/** A process that serves the roles `first` and `second`; `body` may use them, `fail` and `closed`. */
const script = (body: string): string => `
  import { serveUntilSignal, neverFails } from '${platform('lifecycle.ts')}';
  import { createLogger } from '${platform('logger.ts')}';
  const role = (name, over = {}) => ({
    name,
    failed: neverFails(),
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      console.log(JSON.stringify({ msg: 'disposed', closed: name }));
    },
    ...over,
  });
  const first = role('first');
  const second = role('second');
  setInterval(() => undefined, 1000);
  const serve = (roles) => {
    const serving = serveUntilSignal(createLogger({ role: 'test' }));
    for (const one of roles) serving.add(one);
    console.log(JSON.stringify({ msg: 'ready' }));
  };
  ${body}
`;

const lineSchema = z.looseObject({ msg: z.string(), closed: z.string().optional() });

interface Ended {
  readonly code: number | null;
  readonly lines: readonly z.infer<typeof lineSchema>[];
}

/** Runs it, sends the signals once it is ready, and waits for its end. */
async function run(body: string, ...signals: NodeJS.Signals[]): Promise<Ended> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script(body)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  let text = '';
  let sent = false;
  child.stdout.on('data', (part) => {
    text += String(part);
    if (sent || !text.includes('"ready"')) return;
    sent = true;
    for (const signal of signals) child.kill(signal);
  });
  const exit = once(child, 'close');
  await exit;
  const lines = text.split('\n').filter((line) => line.startsWith('{'));
  return { code: child.exitCode, lines: lines.map((line) => lineSchema.parse(JSON.parse(line))) };
}

const disposed = ({ lines }: Ended) =>
  lines.filter(({ msg }) => msg === 'disposed').map(({ closed }) => closed);
const messages = ({ lines }: Ended) => lines.map(({ msg }) => msg);

describe('a process with roles', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'closes them in reverse order after %s and exits with 0',
    async (signal) => {
      const ended = await run('serve([first, second]);', signal);
      expect(disposed(ended)).toEqual(['second', 'first']);
      expect(ended.code).toBe(0);
      expect(ended.lines).toContainEqual(expect.objectContaining({ msg: 'closing', signal, role: 'test' }));
    },
  );

  it('ends in order by a signal that comes while one of them is being started', async () => {
    const ended = await run(
      `
      const serving = serveUntilSignal(createLogger({ role: 'test' }));
      serving.add(first);
      console.log(JSON.stringify({ msg: 'ready' }));
      await new Promise(() => undefined);
    `,
      'SIGTERM',
    );
    expect(disposed(ended)).toEqual(['first']);
    expect(ended.code).toBe(0);
  });

  it('closes them and exits with 1 when one of them fails', async () => {
    const ended = await run(`
      const failing = role('failing', { failed: Promise.reject(new Error('out of luck')) });
      serve([first, failing, second]);
    `);
    expect(disposed(ended)).toEqual(['second', 'failing', 'first']);
    expect(ended.code).toBe(1);
    expect(ended.lines).toContainEqual(expect.objectContaining({ msg: 'role failed', failed: 'failing' }));
  });

  it('closes each of them once when several fail, also while it closes', async () => {
    const ended = await run(`
      const { promise, reject } = Promise.withResolvers();
      const late = role('late', { failed: promise });
      const failing = (name) => role(name, { failed: Promise.reject(new Error(name)) });
      const slow = role('slow', { [Symbol.asyncDispose]: async () => reject(new Error('meanwhile')) });
      serve([first, late, failing('one'), failing('two'), slow]);
    `);
    expect(disposed(ended)).toEqual(['two', 'one', 'late', 'first']);
    expect(ended.code).toBe(1);
  });

  it('closes the others also when one cannot be closed, and exits with 1', async () => {
    const ended = await run(
      `
        const stuck = role('stuck', { [Symbol.asyncDispose]: async () => { throw new Error('will not close'); } });
        serve([first, stuck, second]);
      `,
      'SIGTERM',
    );
    expect(disposed(ended)).toEqual(['second', 'first']);
    expect(messages(ended)).toContain('role could not be closed');
    expect(ended.code).toBe(1);
  });

  it.each([
    ['an unhandled rejection', `Promise.reject(new Error('nobody listens'));`],
    ['an uncaught exception', `setTimeout(() => { throw new Error('nobody catches'); });`],
  ])('closes them and exits with 1 after %s', async (_what, fault) => {
    const ended = await run(`serve([first, second]); ${fault}`);
    expect(messages(ended)).toContain('fatal error, closing');
    expect(disposed(ended)).toEqual(['second', 'first']);
    expect(ended.code).toBe(1);
  });

  it('is ended at once by a second signal', async () => {
    const ended = await run(
      `
        const slow = role('slow', { [Symbol.asyncDispose]: () => new Promise(() => undefined) });
        serve([slow]);
        process.once('SIGTERM', () => setTimeout(() => process.kill(process.pid, 'SIGTERM'), 50));
      `,
      'SIGTERM',
    );
    expect(ended.code).toBe(1);
  });
});
