/** What the next question is asked with; slash commands change it. */
export interface Conversation {
  model: string | undefined;
  projectId: string | undefined;
  /** Of the last answer. */
  threadId: string | undefined;
  readonly plain: boolean;
}
