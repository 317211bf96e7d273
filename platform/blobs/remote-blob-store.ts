import { BLOBS_PATH, blobSchema } from '../../contracts/artifacts.ts';
import { CynodeError } from '../../contracts/errors.ts';
import { HttpStatusError } from '../http/client.ts';
import type { BytesClient } from '../http/bytes.ts';
import { atMost } from './blob-store.ts';
import type { BlobStore } from './blob-store.ts';

/** The blob store of the control plane, for the other roles. Adds `unavailable` to the errors of the port. */
export function createRemoteBlobStore(deps: {
  readonly controlPlaneUrl: string;
  /** A fresh service token. */
  readonly token: () => Promise<string>;
  readonly bytes: BytesClient;
}): BlobStore {
  const url = `${deps.controlPlaneUrl}${BLOBS_PATH}`;
  return {
    put: async (content, maxBytes) => {
      const bearer = await deps.token();
      const upload = { url, bearer, content: atMost(content, maxBytes), reply: blobSchema };
      const { sha256, size_bytes: sizeBytes } = await deps.bytes.upload(upload).catch(asFaultOfOurs);
      return { sha256, sizeBytes };
    },
    open: async (sha256) => {
      try {
        const { sizeBytes, content } = await deps.bytes.download({
          url: `${url}/${sha256}`,
          bearer: await deps.token(),
        });
        return { sizeBytes, content };
      } catch (error) {
        if (error instanceof HttpStatusError && error.status === 404) return null;
        return asFaultOfOurs(error);
      }
    },
  };
}

/** That the control plane refuses us is nothing that the caller has done. */
function asFaultOfOurs(error: unknown): never {
  const refused =
    error instanceof HttpStatusError && error.status < 500 && error.code !== 'payload_too_large';
  throw refused ? new CynodeError('internal', 'The blob store refuses this server', { cause: error }) : error;
}
