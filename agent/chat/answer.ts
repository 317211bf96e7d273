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

/** Waits a while; resolves early when the signal is aborted. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export interface ChatPorts {
  readonly turns: TurnPort;
  readonly model: ModelPort;
  readonly sleep: Sleep;
}

const PAUSE_MS = 500;
const PATIENCE_MS = 60_000;

/**
 * Answers a turn, and begins it again while the router is away, for a minute: a restart of it is no failure of the model.
 * @throws CynodeError as the ports
 */
export async function answerPatiently(
  ports: ChatPorts,
  turnId: string,
  signal: AbortSignal,
): Promise<number | null> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await answerChat(ports, turnId, signal);
    } catch (error) {
      if (codeOf(error) !== 'unavailable' || signal.aborted || performance.now() > until) throw error;
      await ports.sleep(PAUSE_MS, signal);
    }
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/**
 * Answers a turn: one question to the model, whose words the router keeps. Without tools, until the agents have them.
 * @returns the number of characters of the answer, null when there was nothing to ask
 */
async function answerChat(
  { turns, model }: Pick<ChatPorts, 'turns' | 'model'>,
  turnId: string,
  signal: AbortSignal,
): Promise<number | null> {
  const question = await turns.begin(turnId, signal);
  if (question === null) return null;
  let characters = 0;
  for await (const text of model.ask(question, signal)) characters += text.length;
  return characters;
}
