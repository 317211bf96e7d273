const SHORT_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;
/** Tries with short pauses: about a minute. */
const PATIENT_TRIES = 20;

/** An outage of a minute is over soon after it is over; a longer one does not grow the history. */
export function pauseAfterTryMs(tries: number): number {
  if (tries < PATIENT_TRIES) return Math.min(SHORT_PAUSE_MS, 500 * 2 ** tries);
  return Math.min(LONGEST_PAUSE_MS, SHORT_PAUSE_MS * 2 ** (tries - PATIENT_TRIES + 1));
}
