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
}

/** Reads the configuration and prepares a command's context; nothing is sent yet. */
export async function openContext(io: Io, options: GlobalOptions): Promise<Context> {
  const settings = await loadSettings(options.config, io.env);
  const http = createHttpClient(settings.gatewayUrl, io.signal);
  let session: Session | undefined;
  return {
    io,
    out: createOutput(io, {
      format: options.output ?? 'table',
      quiet: options.quiet ?? false,
      color: options.color ?? true,
    }),
    settings,
    http,
    session: async () => {
      const { createSession } = await import('./session.ts');
      return (session ??= createSession(http, settings, io.signal));
    },
    updateConfig: (change) => updateConfig(settings.configPath, change, io.signal),
  };
}
