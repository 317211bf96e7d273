import type { ErrorCode } from '../../../contracts/errors.ts';
import { isEndedTurn } from '../../../contracts/turns.ts';
import { isDatabaseAway } from '../../../schema/faults.ts';
import { readChunks, readTurn } from '../../../schema/turns/read.ts';
import type { TurnChunk, TurnState } from '../../../schema/turns/read.ts';
import type { UserApiDeps } from '../deps.ts';
import { isErrorCode } from '../tasks/failure-text.ts';

/** What a reader of a turn gets to see. */
export type TurnEvent =
  | { readonly kind: 'text'; readonly text: string }
  /** Nothing new for a while; `busy`: because no node had room for the question so far. */
  | { readonly kind: 'quiet'; readonly busy: boolean }
  | { readonly kind: 'answered'; readonly turn: TurnState }
  | { readonly kind: 'failed'; readonly code: ErrorCode | 'restarted' | 'closing' };

const RECHECK_MS = 1_000;
/** After the answer is stored, message and audit follow within moments; nobody waits longer for them. */
const SETTLE_MS = 5_000;
/** The turn ends by itself at its limit; a reader gives it a little more, so that it sees why. */
const GRACE_MS = 5_000;

export interface FollowOptions {
  readonly turnId: string;
  readonly limitMs: number;
  /** Whether text is shown as it comes, so that it cannot be taken back. */
  readonly showsText: boolean;
  readonly signal: AbortSignal;
}

/**
 * Reads a turn to its end: text as it comes, then the answer or why there is none. The text of one execution only: when
 * the turn is begun again after some was shown, the reader is told so and reading ends. Who shows none waits for the next.
 */
export async function* followTurn(
  { db, turnFeed }: Pick<UserApiDeps, 'db' | 'turnFeed'>,
  { turnId, limitMs, showsText, signal }: FollowOptions,
): AsyncGenerator<TurnEvent, void, undefined> {
  using watch = turnFeed.watch(turnId);
  const endsAtMs = performance.now() + limitMs + GRACE_MS;
  const reader = new TurnReader(db, turnId, showsText);
  while (!signal.aborted) {
    const news = await reader.read();
    if (news.text !== '') yield { kind: 'text', text: news.text };
    if (news.end !== null) return yield news.end;
    if (turnFeed.closed) return yield { kind: 'failed', code: 'closing' };
    if (performance.now() > endsAtMs) return yield { kind: 'failed', code: 'inference_timeout' };
    yield { kind: 'quiet', busy: news.busy };
    await watch.changed({ timeoutMs: RECHECK_MS, signal });
  }
}

interface News {
  readonly text: string;
  readonly end: TurnEvent | null;
  readonly busy: boolean;
}

const NOTHING: News = { text: '', end: null, busy: false };

/** Keeps what was shown of a turn. */
class TurnReader {
  private readonly db: UserApiDeps['db'];
  private readonly turnId: string;
  private readonly showsText: boolean;
  private epoch = 0;
  private seq = 0;
  private shown = '';
  private answeredAtMs: number | null = null;

  constructor(db: UserApiDeps['db'], turnId: string, showsText: boolean) {
    this.db = db;
    this.turnId = turnId;
    this.showsText = showsText;
  }

  async read(): Promise<News> {
    try {
      const turn = await readTurn(this.db, this.turnId);
      if (turn.epoch !== this.epoch) {
        if (this.showsText && this.shown !== '')
          return { ...NOTHING, end: { kind: 'failed', code: 'restarted' } };
        this.seq = 0;
        this.shown = '';
        this.epoch = turn.epoch;
      }
      const { turnId, epoch, seq: afterSeq } = this;
      return this.take(turn, await readChunks(this.db, { turnId, epoch, afterSeq }));
    } catch (error) {
      if (isDatabaseAway(error)) return NOTHING; // it comes back, or the time is over
      throw error;
    }
  }

  private take(turn: TurnState, chunks: readonly TurnChunk[]): News {
    this.seq = chunks.at(-1)?.seq ?? this.seq;
    let text = chunks.map((chunk) => chunk.text).join('');
    const whole = turn.status === 'answered' ? (turn.text ?? '') : null;
    // The last piece may be stored with the answer only.
    if (whole?.startsWith(this.shown + text) === true) text = whole.slice(this.shown.length);
    this.shown += text;
    return { text, end: this.endOf(turn), busy: turn.refusals > 0 && this.shown === '' };
  }

  private endOf(turn: TurnState): TurnEvent | null {
    if (!isEndedTurn(turn.status)) return null;
    if (turn.status !== 'answered') {
      const code = turn.error_code ?? '';
      return { kind: 'failed', code: isErrorCode(code) ? code : 'inference_failed' };
    }
    this.answeredAtMs ??= performance.now();
    const settled = turn.settled_at !== null || performance.now() - this.answeredAtMs > SETTLE_MS;
    return settled ? { kind: 'answered', turn } : null;
  }
}
