import type { WorkflowClientInterceptor } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Headers } from '@temporalio/common';
import type { ActivityInterceptorsFactory, WorkerOptions } from '@temporalio/worker';
import { TRACE_HEADER } from '../../contracts/trace.ts';
import type { EndedWorkflow } from '../../contracts/trace.ts';
import { taskOfWorkflow } from '../../contracts/temporal.ts';
import { tracing } from '../tracing.ts';
import type { TraceContext } from '../spans.ts';

/** Joins the start of a task's workflow to the trace of the request that asked for it. */
export const traceStarts: WorkflowClientInterceptor = {
  start: (input, next) => {
    const active = tracing();
    if (active === undefined || active.context()['traceparent'] === undefined) return next(input);
    const { workflowType, options } = input;
    const attributes = attributesOf(options.workflowId);
    return active.span({ name: `start ${workflowType}`, kind: 'client', attributes }, () =>
      next({ ...input, headers: { ...input.headers, ...headersOf(active.context()) } }),
    );
  },
};

/** What a worker needs so that traces go on through its workflows and activities. */
export function traceWork(): Pick<WorkerOptions, 'interceptors' | 'sinks'> {
  return {
    interceptors: { activity: [traceActivity] },
    sinks: {
      traces: {
        ended: {
          fn: (_info: unknown, workflow: EndedWorkflow) => recordWorkflow(workflow),
          callDuringReplay: false,
        },
      },
    },
  };
}

const traceActivity: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    execute: (input, next) => {
      const active = tracing();
      const from = contextOf(input.headers);
      if (active === undefined || from === undefined) return next(input);
      const { activityType, workflowExecution } = context.info;
      const attributes = attributesOf(workflowExecution?.workflowId);
      return active.span({ name: `run ${activityType}`, kind: 'server', from, attributes }, () =>
        next(input),
      );
    },
  },
});

function recordWorkflow(workflow: EndedWorkflow): void {
  tracing()?.record({
    name: workflow.workflowType,
    kind: 'internal',
    from: { traceparent: workflow.traceparent },
    spanId: workflow.spanId,
    startMs: workflow.startMs,
    endMs: workflow.endMs,
    failed: workflow.failed,
    attributes: attributesOf(workflow.workflowId),
  });
}

function attributesOf(workflowId: string | undefined): Record<string, string> {
  const taskId = taskOfWorkflow(workflowId);
  return {
    ...(workflowId === undefined ? {} : { 'temporal.workflow_id': workflowId }),
    ...(taskId === undefined ? {} : { 'cynodeai.task_id': taskId }),
  };
}

function headersOf(context: TraceContext): Headers {
  return { [TRACE_HEADER]: defaultPayloadConverter.toPayload(context['traceparent']) };
}

function contextOf(headers: Headers): TraceContext | undefined {
  const payload = headers[TRACE_HEADER];
  const value: unknown = payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);
  return typeof value === 'string' ? { traceparent: value } : undefined;
}
