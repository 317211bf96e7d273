import { readEnv } from './config/location.ts';
import { EXIT } from './errors.ts';
import { run } from './run.ts';

const interrupt = new AbortController();
const held: (() => void)[] = [];
process.on('SIGINT', () => {
  const handler = held.at(-1);
  if (handler !== undefined) return handler();
  if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
  interrupt.abort();
});

function holdInterrupts(handler: () => void): Disposable {
  held.push(handler);
  return { [Symbol.dispose]: () => void held.splice(held.indexOf(handler), 1) };
}

const { stdin, stdout, stderr } = process;
process.exit(
  await run(process.argv.slice(2), {
    stdin,
    stdout,
    stderr,
    env: readEnv(),
    signal: interrupt.signal,
    holdInterrupts,
  }),
);
