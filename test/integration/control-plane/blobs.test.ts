import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BLOBS_PATH } from '../../../contracts/artifacts.ts';
import { createRemoteBlobStore } from '../../../platform/blobs/remote-blob-store.ts';
import { createBytesClient } from '../../../platform/http/bytes.ts';
import { chunksOf, readAllBytes } from '../../support/blobs.ts';
import { useControlPlane } from './context.ts';

const MIB = 1024 * 1024;

const plane = useControlPlane();
const bytes = createBytesClient();
let origin: string;
beforeAll(async () => {
  origin = await plane().app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => bytes[Symbol.asyncDispose]());

describe('the blob store of the control plane', () => {
  const store = (token: () => Promise<string>) =>
    createRemoteBlobStore({ controlPlaneUrl: origin, token, bytes });
  const serviceToken = (): Promise<string> =>
    plane().tokens.sign('service', { sub: 'user-api' }, { lifeMs: 60_000 });

  it('serves the other roles over HTTP', async () => {
    const remote = store(serviceToken);
    const content = randomBytes(3 * MIB);
    const { sha256, sizeBytes } = await remote.put(chunksOf(content, 100_000), 4 * MIB);
    expect(sizeBytes).toBe(content.length);
    const blob = await remote.open(sha256);
    expect(blob?.sizeBytes).toBe(content.length);
    expect((await readAllBytes(blob?.content ?? chunksOf(Buffer.of()))).equals(content)).toBe(true);
    expect(await remote.open('0'.repeat(64))).toBeNull();
    expect(await remote.put(chunksOf(Buffer.of()), 0)).toMatchObject({ sizeBytes: 0 });
  });

  it('stores nothing past the bound of the caller, nor of what breaks off', async () => {
    const remote = store(serviceToken);
    const content = randomBytes(2 * MIB);
    await expect(remote.put(chunksOf(content), MIB)).rejects.toMatchObject({ code: 'payload_too_large' });
    const hash = createHash('sha256').update(content.subarray(0, MIB)).digest('hex');
    expect(await plane().blobs.store.has(hash)).toBe(false);
  });

  it('is for service tokens only, and its refusal is no fault of the user', async () => {
    const { tokens } = plane();
    const id = randomUUID();
    const life = { lifeMs: 60_000 };
    const node = { sub: id, node_id: id, node_slug: 'node-01', incarnation: 1 };
    for (const token of [
      await tokens.sign('node', node, life),
      await tokens.sign('job', { sub: id, job_id: id, attempt: 1 }, life),
    ]) {
      const refused = await plane().app.inject({
        url: `${BLOBS_PATH}/${'0'.repeat(64)}`,
        headers: { authorization: `Bearer ${token}` },
      });
      expect(refused.statusCode).toBe(401);
      await expect(store(async () => token).put(chunksOf(Buffer.from('x')), MIB)).rejects.toMatchObject({
        code: 'internal',
      });
    }
    const away = createRemoteBlobStore({
      controlPlaneUrl: 'http://127.0.0.1:9',
      token: serviceToken,
      bytes,
    });
    await expect(away.put(chunksOf(Buffer.from('x')), MIB)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
