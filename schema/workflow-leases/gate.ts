import { CynodeError } from '../../contracts/errors.ts';
import type { Transaction } from '../database.ts';

/**
 * Whether a workflow may start for a task: always without a plan, else as its plan and the tasks it depends on allow
 * (contract §9.1).
 * @throws CynodeError `not_found` for an unknown task · `conflict` with the reason.
 */
export async function assertMayStart(
  tx: Transaction,
  taskId: string,
  requestedByManager: boolean,
): Promise<void> {
  const task = await tx
    .selectFrom('tasks')
    .leftJoin('project_plans', 'project_plans.id', 'tasks.plan_id')
    .select(['tasks.plan_id', 'project_plans.state', 'project_plans.archived'])
    .where('tasks.id', '=', taskId)
    .executeTakeFirstOrThrow(() => new CynodeError('not_found', 'no such task'));
  if (task.plan_id === null) return;
  if (task.archived === true) throw new CynodeError('conflict', 'the plan of the task is archived');
  if (task.state !== 'active' && !requestedByManager)
    throw new CynodeError('conflict', `the plan of the task is ${task.state ?? 'missing'}, not active`);
  await assertDependenciesCompleted(tx, taskId);
}

async function assertDependenciesCompleted(tx: Transaction, taskId: string): Promise<void> {
  const open = await tx
    .selectFrom('task_dependencies')
    .innerJoin('tasks', 'tasks.id', 'task_dependencies.depends_on_task_id')
    .select(['tasks.id', 'tasks.status'])
    .where('task_dependencies.task_id', '=', taskId)
    .where('tasks.status', '!=', 'completed')
    .executeTakeFirst();
  if (open !== undefined)
    throw new CynodeError('conflict', `the task depends on task ${open.id}, which is ${open.status}`);
}
