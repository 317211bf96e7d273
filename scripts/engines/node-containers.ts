import { execa } from 'execa';
import type { DockerEngine } from './docker.ts';

/** The labels that tell whose a container is. */
export interface ContainerOwner {
  nodeSlug: string;
  /** Of the node agent's state folder. */
  instanceId: string;
}

/** Removes containers, running ones too, that node agents made and that are ours. Others are not touched. */
export async function removeNodeContainers(
  docker: DockerEngine,
  isOurs: (owner: ContainerOwner) => boolean,
): Promise<void> {
  const env = { DOCKER_HOST: docker.host };
  const format = '{{.ID}}\t{{.Label "cynodeai.node"}}\t{{.Label "cynodeai.instance"}}';
  const listed = await execa('docker', ['ps', '-a', '--filter', 'label=cynodeai.node', '--format', format], {
    env,
  });
  const ids = listed.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'))
    .filter(([, nodeSlug = '', instanceId = '']) => isOurs({ nodeSlug, instanceId }))
    .flatMap(([id]) => id ?? []);
  if (ids.length > 0) await execa('docker', ['rm', '-f', '-v', ...ids], { env, reject: false });
}
