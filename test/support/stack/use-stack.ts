import { afterAll, beforeAll } from '@jest/globals';
import type { CynorkUser } from './cynork-user.ts';
import { startStack } from './stack.ts';
import type { NodeAgent, NodeOptions, Stack, StackOptions } from './stack.ts';

/** What most test files work with. It is there from the first test of the file on. */
export interface FileStack {
  readonly stack: Stack;
  readonly node: NodeAgent;
  readonly admin: CynorkUser;
}

/** One stack with one node for all tests of the calling file. */
export function useStack(options: StackOptions = {}, nodeOptions: NodeOptions = {}): FileStack {
  const own: Partial<{ -readonly [K in keyof FileStack]: FileStack[K] }> = {};
  beforeAll(async () => {
    own.stack = await startStack(options);
    own.node = await own.stack.startNode(nodeOptions);
    own.admin = await own.stack.admin();
  }, 120_000);
  afterAll(async () => own.stack?.[Symbol.asyncDispose](), 60_000);
  return {
    get stack() {
      return there(own.stack);
    },
    get node() {
      return there(own.node);
    },
    get admin() {
      return there(own.admin);
    },
  };
}

function there<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the stack of this file is not up');
  return part;
}
