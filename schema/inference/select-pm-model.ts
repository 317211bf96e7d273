import { chooseModel, contextTokensFor, modelsFor, totalVramMb } from '../../contracts/model-ladder.ts';
import type { PmModelStep, TriedModel } from '../../contracts/pm-model.ts';
import { hasLoaded, isReady } from './situation.ts';
import type { NodeSituation, Situation } from './situation.ts';

export interface Selection {
  readonly situation: Situation;
  /** `INFERENCE_MODEL`: the same for all nodes. */
  readonly pinnedModel: string | undefined;
  /** What failed lately. */
  readonly avoid: readonly TriedModel[];
}

/** A way to have a model. */
interface Option {
  readonly node: NodeSituation;
  readonly model: string;
  readonly present: boolean;
  readonly loaded: boolean;
  /** Lower is better. */
  readonly rank: number;
  /** Whether the node is on the orchestrator's host, where that is preferred. */
  readonly preferred: boolean;
  readonly vramMb: number;
}

/** Below every model of the ladder: the largest one that is there, whoever put it there. */
const RANK_FALLBACK = 100;
/** A node on the orchestrator's host, where the address does not tell. */
const HOST_LABEL = 'orchestrator_host';
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/**
 * Selects the project manager's model (contract §3.5, §8.4.1): one that a live node has before one that it must get first,
 * the orchestrator's host before others, then the best for the node. What serves stays unless a better one is there.
 */
export function selectPmModel(selection: Selection): PmModelStep {
  const { pm, nodes } = selection.situation;
  const serving = nodes.find((node) => pm.model !== null && hasLoaded(node, pm.model));
  const options = nodes
    .filter((node) => node.live && isReady(node))
    .flatMap((node) => optionsOf(node, selection));
  const best = pick(options, serving !== undefined);
  const kept = options.find(({ node, model }) => node === serving && model === pm.model);
  if (serving !== undefined && pm.model !== null && !isBetter(best, kept))
    return { kind: 'keep', model: pm.model, nodeSlug: serving.slug };
  if (best === undefined) return { kind: 'none' };
  const { node, model, present } = best;
  return {
    kind: 'prepare',
    model,
    nodeSlug: node.slug,
    present,
    contextTokens: contextTokensFor(node.report),
  };
}

/** The model that an administrator has named, if any. */
export function namedModel({ situation, pinnedModel }: Selection): string | undefined {
  return situation.settings.localModel ?? pinnedModel;
}

function optionsOf(node: NodeSituation, selection: Selection): readonly Option[] {
  const { settings } = selection.situation;
  if (settings.executionMode === 'force_external') return [];
  const named = namedModel(selection);
  const models = node.inference?.models ?? [];
  const wanted = named ?? chosenFor(node, selection);
  const fallback = largestOf(models);
  const names = settings.mode === 'fixed_model' ? [named] : [wanted, fallback];
  const unique = [...new Set(names.filter((name) => name !== undefined))];
  return unique
    .map((model) => toOption(node, qualified(model), selection))
    .filter((option) => !selection.avoid.some((each) => isTheSame(each, option)));
}

function isTheSame(tried: TriedModel, { node, model, present }: Option): boolean {
  return tried.model === model && tried.nodeSlug === node.slug && tried.present === present;
}

/** What the node can have best, apart from what failed. */
function chosenFor(node: NodeSituation, { avoid }: Selection): string {
  const failed = node.inference?.pulls.filter(({ error }) => error !== undefined) ?? [];
  const avoided = avoid.filter(({ nodeSlug }) => nodeSlug === node.slug);
  return chooseModel({
    totalVramMb: totalVramMb(node.report),
    models: node.inference?.models ?? [],
    unavailable: [...failed, ...avoided].map(({ model }) => model),
  });
}

function toOption(node: NodeSituation, model: string, selection: Selection): Option {
  const found = node.inference?.models.find(({ name }) => name === model);
  const vramMb = totalVramMb(node.report);
  const named = namedModel(selection);
  const onLadder = modelsFor(vramMb).indexOf(model);
  const isNamed = named !== undefined && qualified(named) === model;
  return {
    node,
    model,
    vramMb,
    present: found !== undefined,
    loaded: found?.loaded === true,
    rank: isNamed ? -1 : onLadder >= 0 ? onLadder : RANK_FALLBACK,
    preferred: selection.situation.settings.preferOrchestratorHost !== false && isOrchestratorHost(node),
  };
}

function largestOf(models: readonly { name: string; size_bytes?: number | undefined }[]): string | undefined {
  return models.toSorted((a, b) => (b.size_bytes ?? 0) - (a.size_bytes ?? 0))[0]?.name;
}

/** As nodes list it, with its tag. */
function qualified(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1).includes(':') ? model : `${model}:latest`;
}

function isOrchestratorHost({ workerApiUrl, labels }: NodeSituation): boolean {
  if (labels.includes(HOST_LABEL)) return true;
  return workerApiUrl !== null && URL.canParse(workerApiUrl) && LOOPBACK.test(new URL(workerApiUrl).hostname);
}

/**
 * While nothing serves, a model that is there comes before one that would have to be fetched. While something does, only
 * what an administrator named is fetched for it: nodes fetch the models of their ladder by themselves.
 */
function pick(options: readonly Option[], serves: boolean): Option | undefined {
  const present = options.filter((option) => option.present);
  const usable = serves
    ? options.filter((option) => option.present || option.rank < 0)
    : present.length > 0
      ? present
      : options;
  return usable.toSorted(
    (a, b) =>
      compareWorth(a, b) ||
      Number(b.loaded) - Number(a.loaded) ||
      b.vramMb - a.vramMb ||
      a.node.slug.localeCompare(b.node.slug),
  )[0];
}

function compareWorth(a: Option, b: Option): number {
  return Number(b.preferred) - Number(a.preferred) || a.rank - b.rank;
}

/** Whether changing over to it is worth it. */
function isBetter(best: Option | undefined, kept: Option | undefined): boolean {
  if (best === undefined) return false;
  return kept === undefined || compareWorth(best, kept) < 0;
}
