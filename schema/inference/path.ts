import type { Database, Transaction } from '../database.ts';
import { hasLoaded, isReady, readSituation } from './situation.ts';
import type { NodeSituation, Situation } from './situation.ts';

/** Whether questions can be answered now. */
export type InferencePath =
  | { readonly ready: true; readonly model: string; readonly nodeSlug: string }
  /** Which condition fails and what to do, in words for an operator. */
  | { readonly ready: false; readonly reason: string };

export async function inferencePath(db: Database | Transaction): Promise<InferencePath> {
  return describePath(await readSituation(db));
}

/** Ready: a live node that is reached says that it has the project manager's model in memory (contract §5.1). Pure. */
export function describePath(situation: Situation): InferencePath {
  const { pm, nodes } = situation;
  const serving = nodes.find((node) => pm.model !== null && hasLoaded(node, pm.model));
  if (serving !== undefined && pm.model !== null)
    return { ready: true, model: pm.model, nodeSlug: serving.slug };
  return { ready: false, reason: reasonOf(situation) };
}

function reasonOf({ pm, nodes, settings }: Situation): string {
  if (settings.executionMode === 'force_external')
    return 'the setting agents.project_manager.model.selection.execution_mode is force_external, and no external provider can be used yet; set it to auto';
  if (nodes.length === 0)
    return 'no node that runs models has registered; start `cynodeai serve node-agent` on a host with Docker, or run ./dev up';
  const live = nodes.filter((node) => node.live);
  if (live.length === 0) return `no node is live: ${nodes.map(describeAway).join('; ')}`;
  const ready = live.filter(isReady);
  if (ready.length === 0)
    return `no live node has an Ollama that can be asked: ${live.map(describeBackend).join('; ')}`;
  const target = pm.targetModel ?? pm.model;
  if (target === null) return pm.reason ?? describeWithoutTarget(ready);
  const node = ready.find(({ slug }) => slug === pm.targetNodeSlug) ?? ready[0];
  return node === undefined ? describeWithoutTarget(ready) : describeModel(node, target);
}

const SECONDS_SHOWN = 90;

function describeAway({ slug, status, enabled, silentSeconds }: NodeSituation): string {
  if (!enabled || status === 'drained') return `${slug} was taken out of service; enable it`;
  const heard =
    silentSeconds === null ? 'never heard of' : `last heard of ${describeSeconds(silentSeconds)} ago`;
  return `${slug} was ${heard}; start its agent, or see its log`;
}

function describeBackend(node: NodeSituation): string {
  const { slug, inference } = node;
  const reason = inference?.reason ?? null;
  switch (inference?.backend) {
    case undefined:
      return `${slug} says nothing of models (an older agent?)`;
    case 'starting':
      return `${slug} is starting it${reason === null ? '' : ` (${reason})`}`;
    case 'failed':
      return `that of ${slug} failed (${reason ?? 'its log says why'})`;
    case 'none':
      return `${slug} has none (${reason ?? 'its log says why'})`;
    case 'ready':
      return describeReach(node);
  }
}

function describeReach({ slug, workerApiUrl, reach }: NodeSituation): string {
  if (workerApiUrl === null)
    return `that of ${slug} cannot be reached, because its agent names no address of its Worker API; set NODE_ADVERTISED_WORKER_API_URL for it`;
  if (reach === null)
    return `the control plane has not tried to reach ${slug} at ${workerApiUrl} just now; wait, or see the log of the control plane`;
  return (
    `the control plane cannot reach ${slug} at ${workerApiUrl}: ${reach.error ?? 'it does not answer'}; ` +
    'correct NODE_ADVERTISED_WORKER_API_URL of its agent, or what lies between them, or start it again if it has ended'
  );
}

function describeModel(node: NodeSituation, model: string): string {
  const pull = node.inference?.pulls.find((each) => each.model === model);
  if (pull?.error !== undefined) return `${node.slug} cannot have the model ${model}: ${pull.error}`;
  if (pull !== undefined)
    return `${node.slug} is getting the model ${model}${pull.percent === undefined ? '' : ` (${Math.floor(pull.percent)} %)`}; wait`;
  const present = node.inference?.models.some(({ name }) => name === model) === true;
  return present
    ? `${node.slug} is loading the model ${model}; wait`
    : `${node.slug} does not have the model ${model} yet; wait, or see \`cynork nodes get ${node.slug}\``;
}

function describeWithoutTarget(ready: readonly NodeSituation[]): string {
  const failed = ready.flatMap((node) =>
    (node.inference?.pulls ?? []).flatMap(({ model, error }) =>
      error === undefined ? [] : [`${node.slug} cannot have the model ${model}: ${error}`],
    ),
  );
  return (
    failed[0] ?? 'the model of the project manager is being selected; is the orchestrator-worker running?'
  );
}

function describeSeconds(seconds: number): string {
  if (seconds < SECONDS_SHOWN) return `${Math.max(0, Math.round(seconds))} s`;
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
