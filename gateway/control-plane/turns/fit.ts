import { CynodeError } from '../../../contracts/errors.ts';
import type { TurnMessage } from '../../../contracts/turns.ts';

/**
 * The newest messages that fit, oldest first; the last one is the question.
 * @throws CynodeError `question_too_long` when that alone does not fit: a model would be shown a part of it, and answer that
 */
export function fitHistory(messages: readonly TurnMessage[], characters: number): TurnMessage[] {
  const kept: TurnMessage[] = [];
  let left = characters;
  for (const message of messages.toReversed()) {
    left -= message.content.length;
    if (left < 0) break;
    kept.unshift(message);
  }
  if (kept.length > 0) return kept;
  const { length } = messages.at(-1)?.content ?? '';
  throw new CynodeError(
    'question_too_long',
    `The question has ${length} characters; the model takes ${characters} at most`,
  );
}
