// What of chat.ts needs no schema, so that a client can name it without loading zod.

/** The project manager's model (contract §6.1). */
export const PM_MODEL = 'cynodeai.pm';

export const CHAT_ROLES = ['system', 'user', 'assistant', 'tool'] as const;

/** Path of the chat routes (contract §6). */
export const CHAT_PATHS = {
  models: '/v1/models',
  completions: '/v1/chat/completions',
  threads: '/v1/chat/threads',
  warm: '/v1/chat/warm',
} as const;

/** Where a reply says which thread and turn it belongs to; additions of ours. */
export const THREAD_HEADER = 'x-cynodeai-thread-id';
export const TURN_HEADER = 'x-cynodeai-turn-id';
/** `false`: OpenAI's clients, which repeat what failed, shall not. */
export const RETRY_HEADER = 'x-should-retry';
/** The project of a request; a value that is no UUID is ignored (contract §6.2). */
export const PROJECT_HEADER = 'openai-project';

const SECOND_MS = 1000;

export const CHAT_LIMITS = {
  /** A question is answered within this time, or ends with an error (contract §6.3). */
  turnMs: 200 * SECOND_MS,
  /** A thread is used again within this time. */
  threadReuseMs: 2 * 3600 * SECOND_MS,
  /** Newest messages that are shown to the model, at most. */
  historyMessages: 40,
  /** Characters of them, at most. */
  historyCharacters: 24_000,
  listMax: 200,
  listDefault: 50,
} as const;
