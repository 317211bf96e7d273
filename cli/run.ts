import { CommanderError } from '@commander-js/extra-typings';
import { BrokenPipeError, CliError, EXIT, messageOf } from './errors.ts';
import type { Io } from './io.ts';
import { hasColors, write } from './output.ts';
import { createProgram } from './program.ts';
import { red } from './render/colors.ts';
import { printable } from './render/fields.ts';
import { createRuntime } from './runtime.ts';

/**
 * Runs one command line, without the program's name, and resolves with the exit code (contract §17.3). Never throws
 * and never ends the process.
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const ignore = (): void => undefined;
  io.stdout.on('error', ignore);
  io.stderr.on('error', ignore);
  try {
    return await dispatch(argv, io);
  } catch (error) {
    return await report(error, argv, io);
  } finally {
    io.stdout.off('error', ignore);
    io.stderr.off('error', ignore);
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const runtime = createRuntime(io, run);
  const said = { out: '', err: '' };
  const program = createProgram(runtime, {
    writeOut: (text) => void (said.out += text),
    writeErr: (text) => void (said.err += text),
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const isHelp = error.exitCode === 0 || error.code === 'commander.help';
    if (!isHelp) throw usageFailure(said.err);
    await write(io.stdout, said.out + said.err);
  }
  return runtime.exitCode;
}

/** Commander's message, `error: unknown option '--x'` and `(Did you mean --y?)` on a second line, in our form. */
function usageFailure(text: string): CliError {
  const [first = '', ...rest] = text.trim().split('\n');
  const suggestion = rest
    .join(' ')
    .trim()
    .replace(/^\((.*)\)$/, '$1');
  return new CliError(EXIT.usage, first.replace(/^error: /, ''), {
    hint: suggestion === '' ? 'Add --help to see how it is used.' : suggestion,
  });
}

async function report(error: unknown, argv: readonly string[], io: Io): Promise<number> {
  if (error instanceof BrokenPipeError) return EXIT.ok;
  const colored = hasColors(io.stderr, io.env) && !argv.includes('--no-color');
  const prefix = colored ? red('cynork:') : 'cynork:';
  const known = error instanceof CliError;
  const what = printable(messageOf(error)).replace(/\.$/, '');
  const hint = known && error.hint !== undefined ? ` ${error.hint}` : '';
  await write(io.stderr, `${prefix} ${what}.${hint}\n`).catch(() => undefined);
  return known ? error.exitCode : EXIT.remote;
}
