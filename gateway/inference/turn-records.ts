import type { Database } from '../../schema/database.ts';
import { answerTurn, appendChunk, noteBusy } from '../../schema/turns/records.ts';
import type { TurnAnswer, TurnFence } from '../../schema/turns/records.ts';

export type { TurnFence };

/** Where the text of turns is kept, beside Temporal's history, so that others can read it while it comes. */
export interface TurnRecords {
  /** Adds a piece, numbered from 1, and tells those who read. @throws CynodeError `turn_superseded` */
  append(fence: TurnFence, seq: number, text: string): Promise<void>;
  /** The turn is answered. @throws CynodeError `turn_superseded` */
  answer(fence: TurnFence, answer: TurnAnswer): Promise<void>;
  /** Every node was busy. */
  busy(fence: TurnFence): Promise<void>;
}

export function turnRecordsIn(db: Database): TurnRecords {
  return {
    append: (fence, seq, text) => appendChunk(db, fence, seq, text),
    answer: (fence, answer) => answerTurn(db, fence, answer),
    busy: (fence) => noteBusy(db, fence),
  };
}

export interface TurnWriter {
  /** Aborted when the turn may not be written any more; the reason is the error. */
  readonly failed: AbortSignal;
  /** Never waits. */
  push(text: string): void;
  /** Writes what is left, and the answer. @throws what writing throws */
  finish(answer: TurnAnswer): Promise<void>;
  /** Writes what is left of an answer that was broken off, as far as that is possible. */
  abandon(): Promise<void>;
  /** Says that nobody could be asked, as far as that is possible. */
  busy(): Promise<void>;
}

/** The first piece is written at once; the next ones are gathered for this long. */
const GATHER_MS = 50;

/** Writes what a turn's model says while it goes on saying it: one write at a time, in order. */
export function createTurnWriter(records: TurnRecords, fence: TurnFence): TurnWriter {
  const failed = new AbortController();
  let pending = '';
  let seq = 0;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(async () => {
      if (pending === '' || failed.signal.aborted) return;
      const text = pending;
      pending = '';
      seq += 1;
      await records.append(fence, seq, text).catch((error: unknown) => failed.abort(error));
    });
  };
  const settle = async (): Promise<void> => {
    flush();
    await writing;
  };
  return {
    failed: failed.signal,
    push: (text) => {
      const first = seq === 0 && pending === '';
      pending += text;
      if (first) flush();
      else timer ??= setTimeout(flush, GATHER_MS);
    },
    finish: async (answer) => {
      await settle();
      failed.signal.throwIfAborted();
      await records.answer(fence, answer);
    },
    abandon: settle,
    busy: () => records.busy(fence).catch(() => undefined),
  };
}
