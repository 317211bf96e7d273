import { execa } from 'execa';
import { NAMESPACE_RETENTION_DAYS, SEARCH_ATTRIBUTES } from '../../contracts/temporal.ts';
import { waitUntil } from './processes.ts';
import { SetupError } from './talk.ts';

/** A server, and the command line that speaks with it. */
export interface TemporalEndpoint {
  cli: string;
  port: number;
  namespace: string;
}

/** Where every Temporal of ours listens. */
export const TEMPORAL_IP = '127.0.0.1';

/** Temporal's names of the types, and the command line's. */
const CLI_TYPES = { KEYWORD: 'Keyword', KEYWORD_LIST: 'KeywordList' } as const;

/** Our search attributes as the command line wants them, e.g. `CynodeUser=Keyword`. */
export const CLI_SEARCH_ATTRIBUTES = Object.entries(SEARCH_ATTRIBUTES).map(
  ([name, type]) => [name, CLI_TYPES[type]] as const,
);

const RETENTION = ['--retention', `${String(NAMESPACE_RETENTION_DAYS)}d`];
const NAMESPACE_TIMEOUT_MS = 30_000;

/** The frontend's address, as clients want it. */
export function temporalAddress(port: number): string {
  return `${TEMPORAL_IP}:${String(port)}`;
}

/** Health is not enough: the server answers it before visibility and the namespace are usable. */
export async function canListWorkflows(endpoint: TemporalEndpoint): Promise<boolean> {
  const result = await runCli(endpoint, ['workflow', 'list', '--limit', '1']);
  return !result.failed;
}

/** Keeps closed workflows as long as the contract says; a namespace made by the server itself keeps them for a day. */
export async function setRetention(endpoint: TemporalEndpoint): Promise<void> {
  const result = await runCli(endpoint, ['operator', 'namespace', 'update', ...RETENTION]);
  if (result.failed) throw new SetupError(`Temporal's retention could not be set: ${result.stderr.trim()}`);
}

/**
 * Makes the namespace where it is missing, gives it our retention and search attributes, and waits until it can be used.
 * Each step is taken every time: an earlier run may have ended between two of them.
 */
export async function createNamespace(endpoint: TemporalEndpoint): Promise<void> {
  if (!(await canListWorkflows(endpoint))) await registerNamespace(endpoint);
  const attributes = CLI_SEARCH_ATTRIBUTES.flatMap(([name, type]) => ['--name', name, '--type', type]);
  let refusal = '';
  const usable = await waitUntil(
    async () => {
      const added = await runCli(endpoint, ['operator', 'search-attribute', 'create', ...attributes]);
      refusal = added.stderr.trim();
      return !added.failed && (await canListWorkflows(endpoint));
    },
    { timeoutMs: NAMESPACE_TIMEOUT_MS, intervalMs: 250 },
  );
  if (!usable)
    throw new SetupError(
      `Temporal's namespace ${endpoint.namespace} did not become usable. ${refusal}`.trimEnd(),
    );
  await setRetention(endpoint);
}

async function registerNamespace(endpoint: TemporalEndpoint): Promise<void> {
  const created = await runCli(endpoint, ['operator', 'namespace', 'create', ...RETENTION]);
  if (created.failed && !/already (exists|registered)/i.test(created.stderr))
    throw new SetupError(`Temporal's namespace could not be made: ${created.stderr.trim()}`);
}

function runCli(endpoint: TemporalEndpoint, command: string[]) {
  const target = ['--address', temporalAddress(endpoint.port), '--namespace', endpoint.namespace];
  return execa(endpoint.cli, [...command, ...target], { reject: false, timeout: 5_000 });
}
