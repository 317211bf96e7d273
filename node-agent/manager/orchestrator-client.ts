import { request } from 'undici';
import { z } from 'zod';
import {
  completeReplySchema,
  jobDocumentSchema,
  type ClaimBody,
  type CompleteBody,
  type JobDocument,
} from '../../contracts/jobs.ts';
import type { CapabilityReport, ConfigAck, NodeContact } from '../../contracts/nodes.ts';
import { claimPath, completePath, PATHS } from '../../contracts/paths.ts';
import { sleep } from '../../platform/clock.ts';
import type { NodeSession } from './session.ts';

const SECOND_MS = 1000;
const READY_POLL_MS = 500;
const READY_CALL_MS = 2 * SECOND_MS;
const CONTACT_TIMEOUT_MS = 2 * SECOND_MS;
const COMPLETE_TIMEOUT_MS = 10 * SECOND_MS;

/** What a registered node asks of the control plane. All calls renew the token when it is refused. */
export interface OrchestratorClient {
  /** The configuration as it came; checking it is the caller's, who has to acknowledge also a bad one. */
  fetchConfig(): Promise<unknown>;
  acknowledge(ack: ConfigAck): Promise<void>;
  reportCapability(report: CapabilityReport): Promise<void>;
  contact(contact: NodeContact): Promise<void>;
  claim(jobId: string, attempt: number, body: ClaimBody, timeoutMs: number): Promise<JobDocument>;
  complete(jobId: string, attempt: number, body: CompleteBody): Promise<void>;
}

export function createOrchestratorClient(session: NodeSession): OrchestratorClient {
  return {
    fetchConfig: async () =>
      session.call({ method: 'GET', url: session.endpoints.configUrl, reply: z.unknown() }),
    acknowledge: async (body) => {
      await session.call({ method: 'POST', url: session.endpoints.configUrl, body });
    },
    reportCapability: async (body) => {
      await session.call({ method: 'POST', url: session.endpoints.reportUrl, body });
    },
    contact: async (body) => {
      const url = `${session.endpoints.baseUrl}${PATHS.nodeContact}`;
      await session.call({ method: 'POST', url, body, timeoutMs: CONTACT_TIMEOUT_MS });
    },
    claim: async (jobId, attempt, body, timeoutMs) => {
      const url = `${session.endpoints.baseUrl}${claimPath(jobId, attempt)}`;
      return session.call({ method: 'POST', url, body, timeoutMs, reply: jobDocumentSchema });
    },
    complete: async (jobId, attempt, body) => {
      const url = `${session.endpoints.baseUrl}${completePath(jobId, attempt)}`;
      await session.call({
        method: 'POST',
        url,
        body,
        timeoutMs: COMPLETE_TIMEOUT_MS,
        reply: completeReplySchema,
      });
    },
  };
}

/**
 * Waits until `GET /readyz` is answered at all: 503 says that the orchestrator is there (contract §8.6).
 * @returns whether it was answered in time
 */
export async function waitForOrchestrator(
  baseUrl: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (performance.now() < deadlineMs && !signal.aborted) {
    const status = await request(`${baseUrl}${PATHS.readyz}`, {
      signal: AbortSignal.timeout(READY_CALL_MS),
    }).then(
      async (reply) => {
        await reply.body.dump();
        return reply.statusCode;
      },
      () => 0,
    );
    if (status === 200 || status === 503) return true;
    await sleep(READY_POLL_MS, signal);
  }
  return false;
}
