import { pino } from 'pino';
import type { Logger } from 'pino';

export type { Logger };

/** Names of members that never reach a log, at the top and one level down. */
const SECRET_MEMBERS = [
  'authorization',
  'password',
  'psk',
  'secret',
  'token',
  'access_token',
  'refresh_token',
  'job_token',
  'node_jwt',
  'orchestrator_bearer_token',
  'bearer',
  'databaseUrl',
  'masterSecret',
  'previousSecrets',
  'registrationPsk',
  'bootstrapAdminPassword',
  'workflowRunnerToken',
];

/** JSON logger on standard output; `role` is on every line. Ids go in as fields, messages are static. */
export function createLogger(options: { readonly role: string; readonly level?: string }): Logger {
  return pino({
    level: options.level ?? 'info',
    base: { role: options.role },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRET_MEMBERS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
  });
}
