import { Readable } from 'node:stream';
import { updateConfig, type ConfigUpdate } from './config/file.ts';
import { loadSettings, type Settings } from './config/settings.ts';
import { createHttpClient, type HttpClient } from './http.ts';
import type { Io } from './io.ts';
import { createOutput, type Output, type OutputFormat } from './output.ts';
import type { Session } from './session.ts';

/** The options every command takes, as given. */
export interface GlobalOptions {
  readonly config?: string;
  readonly output?: OutputFormat;
  readonly quiet?: boolean;
  readonly color?: boolean;
}

/** What a command works with. */
export interface Context {
  readonly io: Io;
  readonly out: Output;
  readonly settings: Settings;
  readonly http: HttpClient;
  /** Loaded on demand: it brings the schemas along, which `version` and `status` do not need. */
  readonly session: () => Promise<Session>;
  /** Changes the config file under its lock. */
  readonly updateConfig: <T>(change: (update: ConfigUpdate) => Promise<T>) => Promise<T>;
  /** Runs another command line with the same config, and resolves with its exit code. It may log somebody else in. */
  readonly runAgain: (argv: readonly string[], signal: AbortSignal | undefined) => Promise<number>;
  /** Names of all commands. */
  readonly commandNames: () => readonly string[];
}

/** What a context knows of the program that it is part of. */
export interface ProgramParts {
  readonly run: (argv: readonly string[], io: Io) => Promise<number>;
  readonly commandNames: () => readonly string[];
}

/** Reads the configuration and prepares a command's context; nothing is sent yet. */
export async function openContext(
  io: Io,
  options: GlobalOptions,
  { run, commandNames }: ProgramParts,
): Promise<Context> {
  let settings = await loadSettings(options.config, io.env);
  const http = createHttpClient(settings.gatewayUrl, io.signal);
  let session: Session | undefined;
  return {
    io,
    out: createOutput(io, {
      format: options.output ?? 'table',
      quiet: options.quiet ?? false,
      color: options.color ?? true,
    }),
    get settings() {
      return settings;
    },
    http,
    session: async () => {
      const { createSession } = await import('./session.ts');
      return (session ??= createSession(http, settings, io.signal));
    },
    updateConfig: (change) => updateConfig(settings.configPath, change, io.signal),
    runAgain: async (argv, signal) => {
      const given = ['--config', settings.configPath, ...(options.color === false ? ['--no-color'] : [])];
      // What comes after it on an input that is no terminal is not for it.
      const stdin = io.stdin.isTTY === true ? io.stdin : Readable.from([]);
      const code = await run([...given, ...argv], { ...io, stdin, ...(signal && { signal }) });
      settings = await loadSettings(options.config, io.env);
      session = undefined;
      return code;
    },
    commandNames,
  };
}
