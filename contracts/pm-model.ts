/** Type of the workflow that keeps the project manager's model ready, of which there is one. */
export const PM_MODEL_WORKFLOW = 'pmModelWorkflow';
export const PM_MODEL_WORKFLOW_ID = 'pm-model';
/** Signal: nodes or settings have changed, so select again. */
export const RESELECT_SIGNAL = 'reselect';

/** A model on a node. */
export interface ModelOnNode {
  readonly model: string;
  readonly nodeSlug: string;
}

/** `present`: whether the node had it then. What failed to come may well work once it is there, and the other way round. */
export interface TriedModel extends ModelOnNode {
  readonly present: boolean;
}

/** What is to be done about the project manager's model. */
export type PmModelStep =
  /** Nothing can be had now. */
  | { readonly kind: 'none' }
  /** The right one serves. */
  | ({ readonly kind: 'keep' } & ModelOnNode)
  | ({ readonly kind: 'prepare'; readonly contextTokens: number } & TriedModel);

/** Short database steps of the workflow, run as local activities of the orchestrator worker. All are safe to repeat. */
export interface PmModelActivities {
  /** Selects by settings and the nodes' reports, leaving out what failed lately, and stores what is being done. */
  selectPmModel(input: { readonly avoid: readonly TriedModel[] }): Promise<PmModelStep>;
  /** The model was made ready and serves from now on. */
  recordPmModel(input: ModelOnNode & { readonly contextTokens: number }): Promise<void>;
  /** It could not be made ready there; the one before goes on serving. */
  recordPmModelFailure(input: ModelOnNode & { readonly code: string }): Promise<void>;
}

/** What could not be made ready, and until when it is not tried again. */
export interface AvoidedModel extends TriedModel {
  readonly untilMs: number;
  readonly failures: number;
}

export interface PmModelWorkflowInput {
  /** Carried over from the run before. */
  readonly avoid?: readonly AvoidedModel[];
}
