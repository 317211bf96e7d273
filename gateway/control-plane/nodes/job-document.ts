import type { JobDocument, RunRequest } from '../../../contracts/jobs.ts';
import { LEASE } from '../../../contracts/temporal.ts';
import type { TokenService } from '../../../platform/crypto/tokens.ts';
import type { Claim, ClaimRequest } from '../../../schema/jobs/intake.ts';

const SECOND_MS = 1000;

/**
 * The job document of a claim. Everything in it comes from what is stored, the token included, so that a repeated claim
 * gets the very same reply, but for what is left of a budget.
 */
export async function jobDocument(
  tokens: TokenService,
  request: ClaimRequest,
  claim: Claim,
): Promise<JobDocument> {
  const { jobId, attempt, claimId } = request;
  return {
    version: 1,
    attempt,
    job: claim.modelTokens === null ? claim.payload : withTokens(claim.payload, claim.modelTokens),
    timeout_seconds: claim.timeoutSeconds,
    attachments: [...claim.attachments],
    job_token: await tokens.sign(
      'job',
      { sub: jobId, jti: claimId, job_id: jobId, attempt },
      {
        issuedAt: claim.claimedAt,
        lifeMs: claim.timeoutSeconds * SECOND_MS + LEASE.startToCloseMarginMs,
      },
    ),
  };
}

function withTokens(job: RunRequest, inference_tokens: number): RunRequest {
  return { ...job, sandbox: { ...job.sandbox, inference_tokens } };
}
