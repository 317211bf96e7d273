import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import type { NodeWorkflowInput } from '../../contracts/activities.ts';
import { nodeWorkflowId, QUEUE_ORCHESTRATOR, SIGNAL, WORKFLOW_TYPE } from '../../contracts/temporal.ts';
import { callTemporal, ignoreEnded, WORKFLOW_TASK_TIMEOUT } from './calls.ts';

const NODE = defineSearchAttributeKey('CynodeNode', 'KEYWORD_LIST');

/** What front doors and the reconciler ask of node workflows. All calls may be repeated. */
export interface NodeWorkflows {
  /** Starts the node's workflow, or tells the running one of the new incarnation. @throws CynodeError `unavailable` */
  registered(slug: string, incarnation: number): Promise<void>;
  /** Has the node fetch and apply its newest configuration. @throws CynodeError `unavailable` */
  configChanged(slug: string, configVersion: string): Promise<void>;
}

export function createNodeWorkflows(client: Client): NodeWorkflows {
  return {
    registered: async (nodeSlug, incarnation) => {
      const input: NodeWorkflowInput = { nodeSlug, incarnation };
      await callTemporal(client, () =>
        client.workflow.signalWithStart(WORKFLOW_TYPE.node, {
          workflowId: nodeWorkflowId(nodeSlug),
          taskQueue: QUEUE_ORCHESTRATOR,
          args: [input],
          workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
          signal: SIGNAL.registered,
          signalArgs: [incarnation],
          staticSummary: `Liveness and configuration of ${nodeSlug}`,
          typedSearchAttributes: new TypedSearchAttributes([{ key: NODE, value: [nodeSlug] }]),
        }),
      );
    },
    configChanged: (nodeSlug, configVersion) =>
      ignoreEnded(
        callTemporal(client, () =>
          client.workflow.getHandle(nodeWorkflowId(nodeSlug)).signal(SIGNAL.configChanged, configVersion),
        ),
      ),
  };
}
