import { ConfigError } from '../platform/config/readers.ts';

/** Where a role listens is set here. */
const LISTEN_SETTING: Readonly<Record<string, string>> = {
  'user-api': 'USER_GATEWAY_LISTEN_ADDR',
  'control-plane': 'CONTROL_PLANE_LISTEN_ADDR',
  'orchestrator-worker': 'ORCHESTRATOR_WORKER_LISTEN_ADDR',
  'agent-worker': 'AGENT_WORKER_LISTEN_ADDR',
  'node-agent': 'WORKER_API_LISTEN_ADDR',
};

const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use: stop what listens there',
  EACCES: 'may not be used by this user: take one above 1023',
  EADDRNOTAVAIL: 'is no address of this host: correct it',
};

/** The error of a role's start with what to do, where only the operator can do something; else the error as it is. */
export function explainStart(role: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('port' in error)) return error;
  const fault = LISTEN_FAULTS[String(error.code)];
  if (fault === undefined || !('syscall' in error) || error.syscall !== 'listen') return error;
  const host = 'address' in error ? `${String(error.address)}:` : '';
  const setting = LISTEN_SETTING[role] ?? 'LISTEN_ADDR';
  return new ConfigError(`${host}${String(error.port)} of ${role} ${fault}, or set ${setting}`);
}
