import type { AnswerOptions, TurnMessage } from '../../contracts/turns.ts';

export interface ModelQuestion {
  /** Null for the project manager's model. */
  readonly model: string | null;
  readonly messages: readonly TurnMessage[];
  readonly options: AnswerOptions;
  /** Bearer of this execution of the turn. */
  readonly token: string;
}

/** The model, reached through the router, which also keeps what it says. */
export interface ModelPort {
  /**
   * Text as it comes. Ends when the model has ended its answer.
   * @throws CynodeError when it breaks off before
   */
  ask(question: ModelQuestion, signal: AbortSignal): AsyncIterable<string>;
}

/** What a turn of a chat is about, and under which fence. */
export interface TurnPort {
  /** @returns null when the turn has ended and nothing is to be asked */
  begin(turnId: string, signal: AbortSignal): Promise<ModelQuestion | null>;
}

/**
 * Answers a turn: one question to the model, whose words the router keeps. Without tools, until the agents have them.
 * @returns the number of characters of the answer, null when there was nothing to ask
 */
export async function answerChat(
  { turns, model }: { readonly turns: TurnPort; readonly model: ModelPort },
  turnId: string,
  signal: AbortSignal,
): Promise<number | null> {
  const question = await turns.begin(turnId, signal);
  if (question === null) return null;
  let characters = 0;
  for await (const text of model.ask(question, signal)) characters += text.length;
  return characters;
}
