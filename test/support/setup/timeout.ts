import { jest } from '@jest/globals';

/** Engines on a busy machine are slow; what waits for longer says so itself. */
jest.setTimeout(60_000);
