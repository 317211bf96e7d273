import { execa } from 'execa';
import type { DockerEngine } from './docker.ts';

const NODE_LABEL = 'cynodeai.node';

/** Removes the containers, running ones too, that node agents with such a slug made. Others are not touched. */
export async function removeNodeContainers(
  docker: DockerEngine,
  isOurs: (nodeSlug: string) => boolean,
): Promise<void> {
  const env = { DOCKER_HOST: docker.host };
  const format = `{{.ID}} {{.Label "${NODE_LABEL}"}}`;
  const listed = await execa('docker', ['ps', '-a', '--filter', `label=${NODE_LABEL}`, '--format', format], {
    env,
  });
  const ids = listed.stdout
    .split('\n')
    .filter((line) => isOurs(line.slice(line.indexOf(' ') + 1)))
    .map((line) => line.slice(0, line.indexOf(' ')))
    .filter((id) => id !== '');
  if (ids.length > 0) await execa('docker', ['rm', '-f', '-v', ...ids], { env, reject: false });
}
