import type { JobDocument } from '../../contracts/jobs.ts';
import { LEASE } from '../../contracts/temporal.ts';
import type { BytesClient } from '../../platform/http/bytes.ts';
import type { FileExchange } from '../sandbox/index.ts';
import { fetchAttachments } from './attachments.ts';
import { findArtifacts } from './find-artifacts.ts';
import { Skipped } from './skipped.ts';
import { uploadArtifacts } from './upload-artifacts.ts';

const SECOND_MS = 1000;
const FETCH_MS = 60 * SECOND_MS;
const UPLOAD_MS = 30 * SECOND_MS;
/** Of the time that the activity has, for what follows the uploads: the delivery of the result. */
const DELIVERY_MS = 10 * SECOND_MS;

export interface JobFilesDeps {
  /** Base URL of the control plane. */
  readonly baseUrl: () => string;
  readonly bytes: BytesClient;
  readonly nowMs: () => number;
}

/** What one attempt may use for its files. */
export interface JobFilesScope {
  readonly document: JobDocument;
  /** When the claim was sent, by `nowMs`. */
  readonly claimedAtMs: number;
}

/** Makes the file exchange of an attempt: through the control plane, by the job's own token (design §7). */
export type OpenJobFiles = (scope: JobFilesScope) => FileExchange;

export function createJobFiles({ baseUrl, bytes, nowMs }: JobFilesDeps): OpenJobFiles {
  return ({ document, claimedAtMs }) => {
    const endpoint = {
      baseUrl: baseUrl(),
      jobId: document.job.job_id,
      jobToken: document.job_token,
    };
    const endMs = claimedAtMs + document.timeout_seconds * SECOND_MS + LEASE.startToCloseMarginMs;
    const scopeOf = (signal: AbortSignal, lastsMs: number) => ({
      signal,
      nowMs,
      deadlineMs: Math.min(nowMs() + lastsMs, endMs - DELIVERY_MS),
    });
    return {
      bring: (add, signal) =>
        fetchAttachments(document.attachments, endpoint, { bytes, scope: scopeOf(signal, FETCH_MS), add }),
      collect: async (folder, signal) => {
        const skipped = new Skipped();
        const files = await findArtifacts(folder, skipped);
        const deps = { bytes, scope: scopeOf(signal, UPLOAD_MS), skipped };
        const artifacts = await uploadArtifacts(folder, files, endpoint, deps);
        const left = skipped.list();
        return {
          ...(artifacts.length === 0 ? {} : { artifacts }),
          ...(left.length === 0 ? {} : { artifacts_skipped: left }),
        };
      },
    };
  };
}
