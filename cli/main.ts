import { readEnv } from './config/location.ts';
import { EXIT } from './errors.ts';
import { run } from './run.ts';

const interrupt = new AbortController();
process.on('SIGINT', () => {
  if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
  interrupt.abort();
});

const { stdin, stdout, stderr } = process;
process.exit(
  await run(process.argv.slice(2), { stdin, stdout, stderr, env: readEnv(), signal: interrupt.signal }),
);
