import { z } from 'zod';
import { askDocker, callDocker, type DockerEngine } from './docker-api.ts';

/** The labels that tell whose a container is. */
export interface ContainerOwner {
  nodeSlug: string;
  /** Of the node agent's state folder. */
  instanceId: string;
}

const containersSchema = z.array(z.object({ Id: z.string(), Labels: z.record(z.string(), z.string()) }));

/** Removes containers, running ones too, that node agents made and that are ours. Others are not touched. */
export async function removeNodeContainers(
  docker: DockerEngine,
  isOurs: (owner: ContainerOwner) => boolean,
): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: ['cynodeai.node'] }));
  const listed = await askDocker(docker, {
    method: 'GET',
    path: `/containers/json?all=1&filters=${filters}`,
  });
  for (const { Id, Labels } of containersSchema.parse(JSON.parse(listed))) {
    const owner = { nodeSlug: Labels['cynodeai.node'] ?? '', instanceId: Labels['cynodeai.instance'] ?? '' };
    if (isOurs(owner)) await removeContainer(docker, Id);
  }
}

/** Its node agent may be removing it at this moment, which is as good. */
async function removeContainer(docker: DockerEngine, id: string): Promise<void> {
  const reply = await callDocker(docker, { method: 'DELETE', path: `/containers/${id}?force=1&v=1` });
  reply.resume();
}
