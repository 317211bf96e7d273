import { PM_MODEL } from '../../contracts/chat-values.ts';
import { CynodeError } from '../../contracts/errors.ts';
import { SYSTEM_SETTINGS } from '../../contracts/settings.ts';
import type { Accountable, Routing, RoutingNode, UsedTokens } from '../../schema/inference/routing.ts';

/** Where a call can go. */
export interface Route {
  readonly model: string;
  /** Set for the model of the project manager. */
  readonly contextTokens: number | undefined;
  readonly keepLoaded: boolean;
  readonly nodes: readonly RoutingNode[];
}

/** A model's name as nodes list it, with its tag; null when the project manager's is meant. */
export function modelOnNodes(requested: string | undefined): string | null {
  const name = requested?.trim() ?? '';
  if (name === '' || name === PM_MODEL) return null;
  return name.slice(name.lastIndexOf('/') + 1).includes(':') ? name : `${name}:latest`;
}

/** @throws CynodeError `model_not_found` · `model_unavailable`, in words for the caller */
export function decideRoute(requested: string | undefined, routing: Routing): Route {
  const { model, nodes, isPmModel, contextTokens } = routing;
  if (model === null) throw noPmModel(routing.reason);
  if (nodes.length > 0)
    return { model, nodes, keepLoaded: isPmModel, contextTokens: contextTokens ?? undefined };
  if (isPmModel || routing.known)
    throw new CynodeError(
      'model_unavailable',
      `No live node has the model ${model} now; start its node, or wait until it is back. ` +
        '`cynork nodes list` shows the nodes.',
    );
  throw new CynodeError(
    'model_not_found',
    `The model ${requested ?? model} does not exist on any node; GET /v1/models lists those there are`,
  );
}

/** @throws CynodeError `budget_spent` */
export function checkBudgets({ userLimit, taskLimit }: Routing, used: UsedTokens, who: Accountable): void {
  if (who.userId !== null && userLimit !== null && used.user >= userLimit)
    throw spent(
      'The tokens of the user for today',
      used.user,
      userLimit,
      SYSTEM_SETTINGS.userTokensPerDay.key,
    );
  if (who.taskId !== null && taskLimit !== null && used.task >= taskLimit)
    throw spent('The tokens of the task', used.task, taskLimit, SYSTEM_SETTINGS.taskTokens.key);
}

function spent(what: string, used: number, limit: number, setting: string): CynodeError {
  return new CynodeError(
    'budget_spent',
    `${what} are spent (${used} of ${limit}); an administrator can raise the system setting ${setting}`,
  );
}

function noPmModel(reason: string | null): CynodeError {
  return new CynodeError(
    'model_unavailable',
    `There is no model for the project manager yet: ${reason ?? 'none was selected so far; try again shortly'}`,
  );
}
