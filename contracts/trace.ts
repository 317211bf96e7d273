/** Name of the Temporal header that carries a trace (`traceparent` of W3C) from a client through a workflow to its activities. */
export const TRACE_HEADER = 'cynodeai-trace';

/** A workflow that has ended, as it tells the worker to record it. Ids and times only. */
export interface EndedWorkflow {
  readonly workflowType: string;
  readonly workflowId: string;
  /** Of its parent. */
  readonly traceparent: string;
  readonly spanId: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly failed: boolean;
}
