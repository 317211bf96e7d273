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

/** Runs one more command line in this process. */
export type RunAgain = (argv: readonly string[], io: Io) => Promise<number>;

export function createRuntime(io: Io, again: RunAgain): Runtime {
  let exitCode: number = EXIT.ok;
  return {
    get exitCode() {
      return exitCode;
    },
    run: async (command, body) => {
      const context = await openContext(io, globalOptionsOf(command), {
        run: again,
        commandNames: () => namesBelow(command),
      });
      try {
        exitCode = (await body(context)) ?? EXIT.ok;
      } finally {
        await context.out.progress('');
        context.http.close();
      }
    },
  };
}

/** Names of the commands below the program. */
function namesBelow(command: CommandUnknownOpts): readonly string[] {
  return rootOf(command).commands.map((each) => each.name());
}

function rootOf(command: CommandUnknownOpts): CommandUnknownOpts {
  return command.parent === null ? command : rootOf(command.parent);
}
