import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Env } from '../io.ts';

/** The process environment; the only place of the client that reads it. */
export function readEnv(): Env {
  return process.env;
}

/** Path of the config file: `--config`, `CYNORK_CONFIG` (ours), XDG, `~/.config` (contract §3.6). */
export function configPath(flag: string | undefined, env: Env): string {
  const given = flag ?? nonEmpty(env['CYNORK_CONFIG']);
  if (given !== undefined) return given;
  const base = nonEmpty(env['XDG_CONFIG_HOME']) ?? join(nonEmpty(env['HOME']) ?? homedir(), '.config');
  return join(base, 'cynork', 'config.yaml');
}

export function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}
