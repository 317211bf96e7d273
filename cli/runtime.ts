import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { openContext, type Context } from './context.ts';
import { EXIT } from './errors.ts';
import { globalOptionsOf } from './globals.ts';
import type { Io } from './io.ts';

/** A command's body: calls, renders, and returns the exit code; none means 0. */
export type CommandBody = (context: Context) => Promise<number | void>;

/** Runs command bodies for commander's actions and keeps what they leave behind. */
export interface Runtime {
  readonly exitCode: number;
  /** The action of `command`: opens the context and runs `body` in it. */
  run(command: CommandUnknownOpts, body: CommandBody): Promise<void>;
}

export function createRuntime(io: Io): Runtime {
  let exitCode: number = EXIT.ok;
  return {
    get exitCode() {
      return exitCode;
    },
    run: async (command, body) => {
      const context = await openContext(io, globalOptionsOf(command));
      try {
        exitCode = (await body(context)) ?? EXIT.ok;
      } finally {
        await context.out.progress('');
        context.http.close();
      }
    },
  };
}
