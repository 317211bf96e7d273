import { Connection, isGrpcServiceError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { NAMESPACE_RETENTION_DAYS, SEARCH_ATTRIBUTES } from '../../contracts/temporal.ts';
import { sleep } from '../clock.ts';
import { ConfigError } from '../config/readers.ts';
import type { TemporalTarget } from './client.ts';

/** Values of `temporal.api.enums.v1.IndexedValueType`. */
const INDEXED_VALUE_TYPE = { KEYWORD: 2, KEYWORD_LIST: 7 } as const;
const GRPC_NOT_FOUND = 5;
const GRPC_ALREADY_EXISTS = 6;
/** `DEADLINE_EXCEEDED`, `UNAVAILABLE` */
const AWAY_CODES: ReadonlySet<number> = new Set([4, 14]);
const NAMESPACE_VISIBLE_TRIES = 30;
const LOOK_MS = 2_000;

/** Makes the namespace and the search attributes where they are missing. Safe to repeat. */
export async function prepareTemporal(target: TemporalTarget): Promise<void> {
  const connection = await Connection.connect({ address: target.address, tls: target.tls });
  try {
    await ensureNamespace(connection, target.namespace);
    await ensureSearchAttributes(connection, target.namespace);
  } finally {
    await connection.close();
  }
}

async function ensureNamespace(connection: Connection, namespace: string): Promise<void> {
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      description: 'CyNodeAI',
      workflowExecutionRetentionPeriod: msToTs(`${NAMESPACE_RETENTION_DAYS} days`),
    });
  } catch (error) {
    if (!isAlreadyThere(error)) throw error;
  }
}

/** A new namespace is visible to the frontend only after a moment. */
async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      const missing = Object.entries(SEARCH_ATTRIBUTES).filter(
        ([name]) => !Object.hasOwn(customAttributes, name),
      );
      if (missing.length === 0) return;
      await connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, INDEXED_VALUE_TYPE[type]])),
      });
      return;
    } catch (error) {
      if (isAlreadyThere(error)) return;
      if (tries === NAMESPACE_VISIBLE_TRIES) throw error;
      await sleep(500);
    }
  }
}

/**
 * For the start of a worker; nothing to say while Temporal is away.
 * @throws ConfigError when the namespace is not there
 */
export async function requireNamespace(client: Client, namespace: string): Promise<void> {
  try {
    await client.withDeadline(Date.now() + LOOK_MS, () =>
      client.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    if (!isGrpcServiceError(error) || Number(error.code) !== GRPC_NOT_FOUND) return;
    throw new ConfigError(`Temporal has no namespace ${namespace}: run \`cynodeai migrate\` first`);
  }
}

/** Whether a call failed because nobody answers there. */
export function isTemporalAway(error: unknown): boolean {
  if (isGrpcServiceError(error)) return AWAY_CODES.has(Number(error.code));
  return error instanceof Error && error.message.startsWith('Failed to connect');
}

function isAlreadyThere(error: unknown): boolean {
  return isGrpcServiceError(error) && Number(error.code) === GRPC_ALREADY_EXISTS;
}
