import type { NodeConfigSettings, NodeDetail } from '../../../contracts/nodes.ts';
import { changeNodeConfig } from '../../../schema/nodes/config-settings.ts';
import type { UserApiDeps } from '../deps.ts';
import { viewNodeDetail } from './views.ts';

/**
 * Stores what an administrator set for a node and has the node fetch it. When Temporal is away the node gets it with its
 * next registration. @throws CynodeError `not_found`
 */
export async function applyNodeConfig(
  deps: UserApiDeps,
  idOrSlug: string,
  settings: NodeConfigSettings,
): Promise<NodeDetail> {
  const { slug, configVersion } = await changeNodeConfig(deps.db, idOrSlug, settings);
  try {
    await deps.nodes.configChanged(slug, configVersion);
  } catch (error) {
    deps.logger.warn({ err: error, node: slug, configVersion }, 'node not told of its configuration');
  }
  return viewNodeDetail(deps.db, slug);
}
