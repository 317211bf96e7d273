import { PM_MODEL } from '../../contracts/chat-values.ts';
import { CynodeError } from '../../contracts/errors.ts';
import { SYSTEM_SETTINGS } from '../../contracts/settings.ts';
import type { Budget, Routing, RoutingNode } from '../../schema/inference/routing.ts';

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

/** @throws CynodeError `budget_spent` · `model_not_found` · `model_unavailable`, in words for the caller */
export function decideRoute(requested: string | undefined, routing: Routing): Route {
  checkBudget(routing.userBudget, 'The tokens of the user for today', SYSTEM_SETTINGS.userTokensPerDay.key);
  checkBudget(routing.taskBudget, 'The tokens of the task', SYSTEM_SETTINGS.taskTokens.key);
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

function checkBudget(budget: Budget | null, what: string, setting: string): void {
  if (budget === null || budget.used < budget.limit) return;
  throw new CynodeError(
    'budget_spent',
    `${what} are spent (${budget.used} of ${budget.limit}); ` +
      `an administrator can raise the system setting ${setting}`,
  );
}

function noPmModel(reason: string | null): CynodeError {
  return new CynodeError(
    'model_unavailable',
    `There is no model for the project manager yet: ${reason ?? 'none was selected so far; try again shortly'}`,
  );
}
