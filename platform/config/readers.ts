import { readFileSync } from 'node:fs';
import { z } from 'zod';

export type Env = Readonly<Record<string, string | undefined>>;

/** A setting that is missing or wrong; the message names the variable and what to do. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** What a process needs for its start is not there now, but may come; the message says what it is and what to do. */
export class AwayError extends ConfigError {}

/** Blank is absent, as for a variable that was never set. */
export function optional(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === undefined || value === '' ? undefined : value;
}

/** A setting that has to be there; from `NAME`, or from the file that `NAME_FILE` names, as it may hold a secret. */
export function required(env: Env, name: string, hint: string): string {
  const value = secret(env, name);
  if (value === undefined) throw new ConfigError(`${name} is not set: ${hint}`);
  return value;
}

/** A secret from `NAME`, else from the file that `NAME_FILE` names; blank is absent in both. */
export function secret(env: Env, name: string): string | undefined {
  const direct = optional(env, name);
  if (direct !== undefined) return direct;
  const path = optional(env, `${name}_FILE`);
  if (path === undefined) return undefined;
  try {
    const text = readFileSync(path, 'utf8').trim();
    return text === '' ? undefined : text;
  } catch (error) {
    throw new ConfigError(
      `${name}_FILE cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go duration text (`15m`, `1h30m`, `500ms`) in milliseconds. */
export function parseDurationMs(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return total;
}

export function durationMs(env: Env, name: string, fallbackMs: number): number {
  const text = optional(env, name);
  if (text === undefined) return fallbackMs;
  const value = parseDurationMs(text);
  if (value === undefined)
    throw new ConfigError(`${name}=${text} is not a duration: write it like 30s, 15m or 1h30m`);
  return value;
}

export function integer(env: Env, name: string, fallback: number, min = 0): number {
  const text = optional(env, name);
  if (text === undefined) return fallback;
  const parsed = z.coerce.number().int().min(min).safeParse(text);
  if (!parsed.success) throw new ConfigError(`${name}=${text} is not a whole number of at least ${min}`);
  return parsed.data;
}

export function flag(env: Env, name: string): boolean {
  return ['1', 'true', 'yes'].includes((optional(env, name) ?? '').toLowerCase());
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `:port` (all interfaces) or `port` from the first variable that is set. */
export function listenAddress(env: Env, names: readonly string[], fallback: string): ListenAddress {
  const name = names.find((candidate) => optional(env, candidate) !== undefined);
  const text = name === undefined ? fallback : (optional(env, name) ?? fallback);
  const match = /^(?:(.*):)?(\d+)$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) {
    throw new ConfigError(`${name ?? names[0]}=${text} is not an address: write host:port`);
  }
  const host = match[1]?.replace(/^\[(.*)\]$/, '$1');
  return { host: host === undefined || host === '' ? '0.0.0.0' : host, port };
}
