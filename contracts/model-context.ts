import { CHAT_LIMITS } from './chat-values.ts';

/** A cautious guess: prose has about four. */
const CHARACTERS_PER_TOKEN = 3;
/** This part of the context is left to the answer. */
const ANSWER_SHARE = 1 / 4;

/** How many characters a model with that context can be shown, so that an answer fits in too. */
export function charactersOf(contextTokens: number | null): number {
  if (contextTokens === null) return CHAT_LIMITS.historyCharacters;
  return Math.floor(contextTokens * (1 - ANSWER_SHARE)) * CHARACTERS_PER_TOKEN;
}

/** How long an answer may be when nobody says: what was left to it. Undefined while the context is not known. */
export function answerTokensOf(contextTokens: number | null): number | undefined {
  return contextTokens === null ? undefined : Math.floor(contextTokens * ANSWER_SHARE);
}
