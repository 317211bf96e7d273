import { ensureDocker } from '../../../scripts/engines/docker.ts';
import { removeNodeContainers } from '../../../scripts/engines/node-containers.ts';
import { ensureSandboxImage } from '../../../scripts/engines/sandbox-image.ts';
import { ensureSidecarImage } from '../../../scripts/engines/sidecar-image.ts';
import { publishTestSetting } from './environment.ts';
import { onRelease } from './releases.ts';
import type { RunFolder } from './run-folder.ts';
import { testTalk } from './services.ts';

/** Makes sure of a Docker Engine and the sandbox image, and removes this run's containers at the end. */
export async function prepareTestDocker(run: RunFolder): Promise<void> {
  const docker = await ensureDocker(testTalk);
  const image = await ensureSandboxImage(docker, testTalk);
  onRelease(() => removeNodeContainers(docker, ({ nodeSlug }) => nodeSlug.startsWith(run.nodePrefix)));
  await ensureSidecarImage(docker, testTalk);
  publishTestSetting('dockerHost', docker.host);
  publishTestSetting('sandboxImage', image);
  publishTestSetting('nodePrefix', run.nodePrefix);
}
