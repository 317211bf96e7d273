import {
  ContinueAsNew,
  defaultPayloadConverter,
  isCancellation,
  proxySinks,
  workflowInfo,
} from '@temporalio/workflow';
import type { Payload, Sinks, WorkflowInterceptors } from '@temporalio/workflow';
import { TRACE_HEADER } from '../contracts/trace.ts';
import type { EndedWorkflow } from '../contracts/trace.ts';

interface TraceSinks extends Sinks {
  readonly traces: { ended(workflow: EndedWorkflow): void };
}

const SPAN_ID_DIGITS = 16;

/**
 * Hands the trace of whoever started the workflow on to its activities, as children of a span of its own. Headers and a
 * sink only: commands, their order and the number of events are the same with and without a trace.
 */
export function interceptors(): WorkflowInterceptors {
  const { traces } = proxySinks<TraceSinks>();
  let forActivities: Readonly<Record<string, Payload>> = {};
  return {
    inbound: [
      {
        execute: (input, next) => {
          const parent = readTraceparent(input.headers);
          if (parent === undefined) return next(input);
          const spanId = ownSpanId();
          forActivities = { [TRACE_HEADER]: defaultPayloadConverter.toPayload(childOf(parent, spanId)) };
          const ended = next(input);
          const tell = (failed: boolean): void => traces.ended(describe(parent, spanId, failed));
          ended.then(
            () => tell(false),
            (error: unknown) => tell(!(error instanceof ContinueAsNew) && !isCancellation(error)),
          );
          return ended;
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) =>
          next({ ...input, headers: { ...input.headers, ...forActivities } }),
        scheduleLocalActivity: (input, next) =>
          next({ ...input, headers: { ...input.headers, ...forActivities } }),
      },
    ],
  };
}

/** From the run's id, because a random one would have to be the same again in a replay. */
function ownSpanId(): string {
  return workflowInfo().runId.replaceAll('-', '').slice(-SPAN_ID_DIGITS);
}

function readTraceparent(headers: Readonly<Record<string, Payload>>): string | undefined {
  const payload = headers[TRACE_HEADER];
  const value: unknown = payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);
  return typeof value === 'string' && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value)
    ? value
    : undefined;
}

function childOf(traceparent: string, spanId: string): string {
  const [version, traceId, , flags] = traceparent.split('-');
  return [version, traceId, spanId, flags].join('-');
}

function describe(traceparent: string, spanId: string, failed: boolean): EndedWorkflow {
  const { workflowId, workflowType, startTime } = workflowInfo();
  return {
    workflowType,
    workflowId,
    traceparent,
    spanId,
    startMs: startTime.getTime(),
    endMs: Date.now(),
    failed,
  };
}
